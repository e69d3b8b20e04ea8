// What the texts of a task say of other tasks.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "plan/item_names.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

/// Where in the text of `node` the braces stand; the node itself where that cannot be seen, as in a
/// prompt's own file.
Span span_within(const Reading& reading, Node node, std::size_t text_size,
                 std::string_view braced) {
  const auto whole = node.span();
  if (whole.begin >= Span::kNowhere) return whole;
  // Escapes and indentation make a text longer in the document than it is.
  const auto written = reading.problems.source().text().substr(whole.begin, text_size * 4 + 256);
  const auto at = written.find(braced);
  if (at == written.npos) return whole;
  return {static_cast<std::uint32_t>(whole.begin + at), static_cast<std::uint32_t>(braced.size())};
}

void report_item(Reading& reading, const std::string& name, Span where, bool in_foreach) {
  const auto& known = item_placeholders();
  if (std::ranges::find(known, name) == known.end()) {
    reading.problems.add(where, fmt::format("unknown placeholder `{{{}}}`", name),
                         did_you_mean(reading, name, known));
  } else if (!in_foreach) {
    reading.problems.add(
        where, fmt::format("`{{{}}}` is known only in a task with `foreach`", name),
        fmt::format("to mean the braces themselves, double them: `{{{{{}}}}}`", name));
  }
  // Else it was left where a shell would not take it as data, which has been told.
}

}  // namespace

void check_braces(Reading& reading, std::string_view text, Node node, const Lookup& known) {
  for (const auto& name : braced_names(text)) {
    if (is_reserved(name) || known(name)) continue;
    std::vector<std::string> names = known_placeholders();
    for (const auto& [key, value] : reading.options.set) names.push_back(key);
    const auto near = nearest_word(name, names);
    auto hint = near ? fmt::format("did you mean `{{{}}}`? ", *near) : std::string();
    hint += fmt::format(
        "`--set {0}=...` gives it a value, `{{{{{0}}}}}` means the braces themselves", name);
    reading.problems.add(span_within(reading, node, text.size(), fmt::format("{{{}}}", name)),
                         fmt::format("unknown placeholder `{{{}}}`", name), std::move(hint));
  }
}

void note_mentions(Reading& reading, std::string_view text, Node node, std::uint32_t task,
                   TaskList& list, bool in_foreach) {
  if (!has_braces(text)) return;
  for (const auto& name : placeholders(text)) {
    const auto braced = fmt::format("{{{}}}", name);
    const auto where = span_within(reading, node, text.size(), braced);
    const bool of_output = name.starts_with("outputs.") || name.starts_with("output_files.");
    if (is_of_item(name)) {
      report_item(reading, name, where, in_foreach);
    } else if (name == "outputs") {
      reading.problems.add(where, "`{outputs}` stands only in the prompt of a merge `with: agent`",
                           "name a task: `{outputs.ID}`");
    } else if (of_output && name.find_first_of("*?") != name.npos) {
      reading.problems.add(where, fmt::format("`{}` names more than one output", braced),
                           "name one task, or join them with a merge `with: agent`");
    } else if (of_output) {
      list.mentions.push_back({task, name.substr(name.find('.') + 1), where, true, false});
    }
  }
}

}  // namespace interlock::plan
