#include "cli/man_page.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string_view>

#include "base/text.h"

namespace interlock::cli {
namespace {

/// As text of man(7): a hyphen stays one, a backslash too, and no line begins a request.
std::string roff(std::string_view text) {
  std::string made;
  for (const char c : text) {
    const bool begins = made.empty() || made.back() == '\n';
    if (begins && (c == '.' || c == '\'')) made += "\\&";
    if (c == '\\') {
      made += "\\e";
    } else if (c == '-') {
      made += "\\-";
    } else {
      made += c;
    }
  }
  return made;
}

/// `-o, --out FILE`, or the name of what stands by itself.
std::string name_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& one : option.get_snames())
    names += fmt::format(", \\fB\\-{}\\fR", roff(one));
  for (const std::string& one : option.get_lnames())
    names += fmt::format(", \\fB\\-\\-{}\\fR", roff(one));
  if (names.empty()) return fmt::format("\\fI{}\\fR", roff(option.get_name()));
  names.erase(0, 2);
  const bool takes_value = option.get_type_size() > 0 && option.get_expected_max() > 0;
  return takes_value ? fmt::format("{} \\fI{}\\fR", names, roff(option.get_type_name())) : names;
}

std::string options_of(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    text += fmt::format(".TP\n{}\n{}\n", name_of(*option), roff(option->get_description()));
  }
  return text;
}

}  // namespace

std::string man_page(const CLI::App& app, const std::string& version) {
  std::string text = fmt::format(
      ".TH INTERLOCK 1 \"\" \"interlock {}\" \"User Commands\"\n.SH NAME\ninterlock \\- {}\n"
      ".SH SYNOPSIS\n\\fBinterlock\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH OPTIONS\n{}"
      ".SH COMMANDS\n",
      roff(version), roff(app.get_description()), options_of(app));
  for (const CLI::App* verb : app.get_subcommands({})) {
    if (verb->get_group().empty()) continue;  // Not for people.
    text += fmt::format(".SS interlock {}\n{}.\n{}", roff(verb->get_name()),
                        roff(verb->get_description()), options_of(*verb));
  }
  text += ".SH NOTES\n";
  const std::string footer = app.get_footer();  // The lines are views of it.
  for (const std::string_view line : split_lines(footer)) text += roff(line) + "\n.br\n";
  return text;
}

}  // namespace interlock::cli
