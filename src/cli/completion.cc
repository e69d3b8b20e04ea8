#include "cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "base/text.h"

namespace interlock::cli {

namespace {

/// What one verb takes.
struct Words {
  std::string verb;
  std::string about;
  std::vector<std::string> flags;
  std::vector<std::string> values;  ///< Of its closed sets of choices.
};

void add_flags(const CLI::App& app, std::vector<std::string>& flags) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
}

std::vector<Words> words_of(const CLI::App& app) {
  std::vector<Words> all;
  for (const CLI::App* sub : app.get_subcommands({})) {
    Words words{sub->get_name(), sub->get_description(), {}, {}};
    add_flags(*sub, words.flags);
    add_flags(app, words.flags);
    if (words.verb == "init")
      words.values = {"research", "review", "content", "tests", "migrations", "edits"};
    if (words.verb == "completion") words.values = {"bash", "zsh", "fish"};
    all.push_back(std::move(words));
  }
  return all;
}

std::string spaced(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash(const std::vector<Words>& all) {
  std::vector<std::string> verbs;
  std::string cases;
  for (const Words& one : all) {
    verbs.push_back(one.verb);
    cases += fmt::format("    {}) words=\"{} {}\" ;;\n", one.verb, spaced(one.flags),
                         spaced(one.values));
  }
  return fmt::format(
      "# bash completion for interlock: source <(interlock completion bash)\n"
      "_interlock() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} words=\"{}\" word\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case $word in\n{}    esac\n"
      "  done\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
      "}}\n"
      "complete -o filenames -F _interlock interlock\n",
      spaced(verbs), cases);
}

std::string zsh(const std::vector<Words>& all) {
  std::string verbs;
  std::string cases;
  for (const Words& one : all) {
    verbs += fmt::format("    {}\n", shell_quote(one.verb + ":" + one.about));
    cases += fmt::format("    {}) compadd -- {} {}; _files ;;\n", one.verb, spaced(one.flags),
                         spaced(one.values));
  }
  return fmt::format(
      "#compdef interlock\n"
      "# zsh completion for interlock: interlock completion zsh > \"${{fpath[1]}}/_interlock\"\n"
      "_interlock() {{\n"
      "  local -a verbs=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then _describe command verbs; return; fi\n"
      "  case ${{words[2]}} in\n{}  esac\n"
      "}}\n"
      "_interlock \"$@\"\n",
      verbs, cases);
}

std::string fish(const std::vector<Words>& all) {
  std::string text = "# fish completion for interlock: interlock completion fish | source\n";
  for (const Words& one : all) {
    text += fmt::format("complete -c interlock -n __fish_use_subcommand -f -a {} -d {}\n", one.verb,
                        shell_quote(one.about));
    for (const std::string& flag : one.flags) {
      text += fmt::format("complete -c interlock -n '__fish_seen_subcommand_from {}' -l {}\n",
                          one.verb, flag.substr(2));
    }
    if (!one.values.empty()) {
      text += fmt::format("complete -c interlock -n '__fish_seen_subcommand_from {}' -f -a {}\n",
                          one.verb, shell_quote(spaced(one.values)));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const std::vector<Words> all = words_of(app);
  if (shell == "bash") return bash(all);
  return shell == "zsh" ? zsh(all) : fish(all);
}

}  // namespace interlock::cli
