#include "plan/conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace interlock::plan {

namespace {

/// How a task can have ended, as `outcome.ID` says it.
constexpr std::array<std::string_view, 4> kOutcomes = {"done", "failed", "skipped", "cancelled"};

/// The part of the document in which those bytes of a text stand; all of it where it is written in
/// another way there, as with escapes.
Span span_in(const Reading& reading, const Item& item, std::size_t begin, std::size_t length) {
  const Span whole = item.node.span();
  if (whole.begin >= Span::kNowhere) return whole;
  const auto written = reading.problems.source().text().substr(whole.begin, item.text.size() + 256);
  const auto at = written.find(item.text);
  if (at == written.npos) return whole;
  return {static_cast<std::uint32_t>(whole.begin + at + begin),
          static_cast<std::uint32_t>(std::max<std::size_t>(1, length))};
}

}  // namespace

void read_when(Reading& reading, const Item& item, const Lookup& known, Task& task,
               std::uint32_t index, TaskList& list) {
  condition::Mistake mistake;
  const auto expression = condition::Expression::parse(item.text, known, mistake);
  if (!expression) {
    reading.problems.add(span_in(reading, item, mistake.begin, mistake.length),
                         std::move(mistake.message), std::move(mistake.hint));
    return;
  }
  task.when = expression->text();
  for (std::size_t i = 0; i < expression->references().size(); ++i) {
    const condition::Reference& reference = expression->references()[i];
    const Span where = span_in(reading, item, reference.begin, reference.length);
    list.conditions.push_back({index, reference, where});
    if (!reference.is_outcome) continue;
    for (const std::string& text : expression->compared_with(i)) {
      if (std::ranges::find(kOutcomes, text) != kOutcomes.end()) continue;
      reading.problems.add(where, fmt::format("no task ends as {}", quoted(text)),
                           "tasks end as 'done', 'failed', 'skipped' or 'cancelled'");
    }
  }
}

std::optional<NamedTask> named_by(
    const condition::Reference& reference,
    const std::function<std::optional<std::uint32_t>(std::string_view id)>& find) {
  std::optional<NamedTask> found;
  std::string id;
  for (std::uint32_t i = 0; i < reference.steps.size() && !reference.steps[i].index; ++i) {
    id += (i == 0 ? "" : ".") + reference.steps[i].name;
    if (const auto task = find(id)) found = NamedTask{*task, i + 1};
  }
  return found;
}

std::string shown_id(const condition::Reference& reference) { return reference.steps.front().name; }

void check_input(Reading& reading, const ConditionMention& mention, const NamedTask& named,
                 const Task& target) {
  const bool leads_on = named.steps < mention.reference.steps.size();
  if (mention.reference.is_outcome) {
    if (leads_on)
      reading.problems.add(mention.where,
                           fmt::format("the outcome of {} is one word", quoted(target.id)),
                           "it is 'done', 'failed', 'skipped' or 'cancelled'");
    return;
  }
  if (target.output.form == OutputSpec::Form::exit_status) {
    reading.problems.add(
        mention.where,
        fmt::format("task {} gives no output but its exit status", quoted(target.id)),
        fmt::format("give it an `output`, or look at `outcome.{}`", printable(target.id)));
  } else if (leads_on && target.output.form == OutputSpec::Form::text) {
    reading.problems.add(
        mention.where,
        fmt::format("the output of {} is text, which has no members", quoted(target.id)),
        "give it `output: json` or a schema");
  }
}

}  // namespace interlock::plan
