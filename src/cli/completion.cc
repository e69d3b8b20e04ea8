#include "cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/commands.h"

namespace interlock::cli {

namespace {

/// What one verb takes.
struct Words {
  std::string verb;
  std::string about;
  std::vector<std::string> flags;
  std::map<std::string, std::vector<std::string>> values_of;  ///< By flag: its closed set.
  std::vector<std::string> values;                            ///< Of what stands by itself.
  bool takes_run = false, takes_file = false;
  std::string names;  ///< What stands behind the run: `tasks`, `outputs`, or nothing.
};

/// `{a,b,c}`, as CLI11 describes a closed set.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  const std::size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  std::string_view rest = std::string_view(type).substr(begin + 1, end - begin - 1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    choices.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return choices;
}

void add_options(const CLI::App& app, Words& words) {
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string> choices = choices_of(option->get_type_name());
    if (option->get_lnames().empty()) {
      const std::string name = option->get_name();
      words.takes_run |= name == "RUN";
      words.takes_file |= name == "FILE" || name == "DIR";
      if (name == "TASK") words.names = "tasks";
      if (name == "NAME") words.names = "outputs";
      words.values.insert(words.values.end(), choices.begin(), choices.end());
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      const std::string flag = "--" + name;
      if (std::ranges::find(words.flags, flag) != words.flags.end()) continue;
      words.flags.push_back(flag);
      if (!choices.empty()) words.values_of[flag] = choices;
    }
  }
}

std::vector<Words> words_of(const CLI::App& app) {
  std::vector<Words> all;
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_group().empty()) continue;  // Not for people.
    Words words;
    words.verb = sub->get_name();
    words.about = sub->get_description();
    add_options(*sub, words);
    add_options(app, words);
    all.push_back(std::move(words));
  }
  return all;
}

std::string spaced(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

/// The values of flags as a shell `case` on the word before the one to be completed.
std::string flag_cases(const Words& words) {
  std::string cases;
  for (const auto& [flag, values] : words.values_of)
    cases += fmt::format("        {}) found=\"{}\"; fixed=1 ;;\n", flag, spaced(values));
  return cases;
}

std::string bash(const std::vector<Words>& all) {
  std::vector<std::string> verbs;
  std::string cases;
  for (const Words& one : all) {
    verbs.push_back(one.verb);
    cases += fmt::format("      {})\n        flags=\"{}\" found=\"{}\" runs={} names={} files={}\n",
                         one.verb, spaced(one.flags), spaced(one.values), one.takes_run ? 1 : 0,
                         one.names.empty() ? "\"\"" : one.names, one.takes_file ? 1 : 0);
    const std::string values = flag_cases(one);
    if (!values.empty()) cases += "        case $before in\n" + values + "        esac\n";
    cases += "        ;;\n";
  }
  return fmt::format(
      "# bash completion for interlock: source <(interlock completion bash)\n"
      "_interlock() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local verb= run= word flags= found= fixed= runs= names= files= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${{COMP_WORDS[i]}}\n"
      "    [[ $word == -* ]] && continue\n"
      "    if [[ -z $verb ]]; then verb=$word; elif [[ -z $run ]]; then run=$word; fi\n"
      "  done\n"
      "  if [[ -z $verb ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$cur\")); return\n"
      "  fi\n"
      "  case $verb in\n{}  esac\n"
      "  if [[ -z $fixed ]]; then\n"
      "    if [[ $cur == -* ]]; then found=$flags\n"
      "    elif [[ -n $run && -n $names ]]; then\n"
      "      found+=\" $(interlock complete $names \"$run\" 2>/dev/null)\"\n"
      "    elif [[ -z $run && $runs == 1 ]]; then\n"
      "      found+=\" $(interlock complete runs 2>/dev/null)\"\n"
      "      [[ -n $names ]] && found+=\" $(interlock complete $names 2>/dev/null)\"\n"
      "    fi\n"
      "  fi\n"
      "  COMPREPLY=($(compgen -W \"$found\" -- \"$cur\"))\n"
      "  [[ $files == 1 && -z $fixed && $cur != -* ]] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
      "  return 0\n"
      "}}\n"
      "complete -o filenames -F _interlock interlock\n",
      spaced(verbs), cases);
}

std::string zsh(const std::vector<Words>& all) {
  std::string verbs;
  std::string cases;
  for (const Words& one : all) {
    verbs += fmt::format("    {}\n", shell_quote(one.verb + ":" + one.about));
    cases += fmt::format("    {})\n", one.verb);
    if (!one.values_of.empty()) {
      cases += "      case ${words[CURRENT-1]} in\n";
      for (const auto& [flag, values] : one.values_of)
        cases += fmt::format("        {}) compadd -- {}; return ;;\n", flag, spaced(values));
      cases += "      esac\n";
    }
    if (!one.values.empty()) cases += fmt::format("      compadd -- {}\n", spaced(one.values));
    if (one.takes_run)
      cases += "      (( CURRENT == 3 )) && compadd -- $(interlock complete runs 2>/dev/null)\n";
    if (!one.names.empty()) {
      cases += fmt::format(
          "      (( CURRENT == 3 )) && compadd -- $(interlock complete {0} 2>/dev/null)\n"
          "      (( CURRENT == 4 )) && compadd -- $(interlock complete {0} ${{words[3]}} "
          "2>/dev/null)\n",
          one.names);
    }
    cases += fmt::format("      [[ $PREFIX == -* ]] && compadd -- {}\n", spaced(one.flags));
    if (one.takes_file) cases += "      _files\n";
    cases += "      ;;\n";
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
    const std::string seen = fmt::format("'__fish_seen_subcommand_from {}'", one.verb);
    for (const std::string& flag : one.flags) {
      const auto values = one.values_of.find(flag);
      text += fmt::format("complete -c interlock -n {} -l {}{}\n", seen, flag.substr(2),
                          values == one.values_of.end()
                              ? ""
                              : fmt::format(" -x -a {}", shell_quote(spaced(values->second))));
    }
    if (!one.values.empty())
      text += fmt::format("complete -c interlock -n {} -f -a {}\n", seen,
                          shell_quote(spaced(one.values)));
    if (one.takes_run)
      text += fmt::format("complete -c interlock -n {} -f -a '(interlock complete runs)'\n", seen);
    if (!one.names.empty())
      text += fmt::format("complete -c interlock -n {} -f -a '(interlock complete {})'\n", seen,
                          one.names);
  }
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const std::vector<Words> all = words_of(app);
  if (shell == "bash") return bash(all);
  return shell == "zsh" ? zsh(all) : fish(all);
}

Result<Exit> complete_command(const Context& context, const std::string& kind,
                              const std::string& name) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return Exit::done;  // Nothing to offer, and nobody to tell.
  if (kind == "runs") {
    constexpr std::size_t kMost = 20;
    journal::RunFilter filter;
    filter.most = kMost;
    const auto runs = (*store)->runs(filter);
    std::string text = "last\n";
    if (runs) {
      for (const journal::RunSummary& run : *runs) text += run.id + "\n";
    }
    context.console.result(text);
    return Exit::done;
  }
  const auto id = runs::run_named(**store, context.where, name);
  auto run = id ? runs::choose_run(**store, *id) : std::unexpected(id.error());
  if (!run) return Exit::done;
  std::string text;
  for (const plan::Task& task : (*run)->plan().tasks) text += task.id + "\n";
  if (kind == "outputs") {
    for (const plan::Merge& merge : (*run)->plan().merges) text += merge.name + "\n";
  }
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
