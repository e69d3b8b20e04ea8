#include "plan/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/text.h"
#include "plan/conditions.h"
#include "plan/item_names.h"
#include "plan/tasks.h"

// Tasks of a `foreach` over an output: how many they are, and of what, shows while the plan runs.
namespace interlock::plan {

namespace {

bool names_item(std::string_view text) {
  return std::ranges::any_of(placeholders(text), is_of_item);
}

/// Patterns that match whatever `text` may come to mean: an item can hold anything, slashes too.
std::vector<std::string> covering(const std::string& text) {
  const std::string numbered = replace_placeholder(text, "index", "*");
  std::size_t hole = numbered.size();
  for (const std::string& name : placeholders(numbered)) {
    if (is_of_item(name)) hole = std::min(hole, numbered.find("{" + name + "}"));
  }
  if (hole == numbered.size()) return {numbered};
  const std::size_t slash = numbered.substr(0, hole).rfind('/');
  const std::string folder = slash == std::string::npos ? "" : numbered.substr(0, slash + 1);
  const std::string begin = numbered.substr(folder.size(), hole - folder.size());
  if (begin.empty() || !footprint::Glob::parse(folder + begin + "*")) return {folder + "**"};
  return {folder + begin + "*", folder + begin + "*/**"};
}

void cover(Reading& reading, const std::vector<Item>& items, footprint::PatternSet& set) {
  for (const Item& item : items) {
    const std::string text = fill(item.text, reading.set);
    const bool excludes = text.starts_with('!');
    if (excludes && names_item(text)) continue;  // It takes away less than all would.
    for (const std::string& one : covering(excludes ? text.substr(1) : text)) {
      auto glob = footprint::Glob::parse(one);
      if (glob) {
        (excludes ? set.exclude : set.include).push_back(std::move(*glob));
      } else {
        reading.problems.add(item.node.span(), glob.error().message, glob.error().hint);
      }
    }
  }
}

/// All that any of its tasks may touch.
footprint::Footprint covering_footprint(Reading& reading, const TaskDraft& draft) {
  footprint::Footprint footprint;
  footprint.unknown = !draft.declares_reads && !draft.declares_writes;
  cover(reading, draft.reads, footprint.reads);
  cover(reading, draft.writes, footprint.writes);
  if (draft.output_file && !footprint.unknown)
    cover(reading, {*draft.output_file}, footprint.writes);
  return footprint;
}

/// Whether the text is one pair of braces and a reference in it, and no comparison of one.
bool is_all_of(std::string_view text) {
  return text.starts_with('{') && text.ends_with('}') &&
         !text.substr(1, text.size() - 2).contains('}');
}

/// The only reference of the text, where it is one and nothing else.
std::optional<condition::Reference> reference_in(Reading& reading, const Item& over) {
  condition::Mistake mistake;
  const auto expression = condition::Expression::parse(over.text, {}, mistake);
  if (!expression) {
    reading.problems.add(over.node.span(), mistake.message, mistake.hint);
  } else if (expression->references().size() != 1 || expression->references().front().is_outcome ||
             !is_all_of(expression->text())) {
    reading.problems.add(over.node.span(), "this is no output to go through",
                         "name one, such as `\"{outputs.split.items}\"`");
  } else {
    return expression->references().front();
  }
  return std::nullopt;
}

bool check_draft(Reading& reading, const TaskDraft& draft) {
  const auto reported = reading.problems.reported();
  const Item& over = draft.foreach.front();
  if (draft.foreach.size() > 1)
    reading.problems.add(over.node.span(), "an output stands alone in `foreach`");
  if (!draft.at_most)
    reading.problems.add(over.node.span(), "a `foreach` over an output needs `at_most`",
                         "say how many tasks may come of it: `at_most: 20`");
  if (!names_item(draft.id->text) && draft.at_most.value_or(1) > 1)
    reading.problems.add(
        draft.id->node.span(), "every task of a `foreach` would have this id",
        fmt::format("put a placeholder into it: `\"{}-{{index}}\"`", printable(draft.id->text)));
  if (draft.prompt_file && names_item(draft.prompt_file->text))
    reading.problems.add(draft.prompt_file->node.span(),
                         "which file holds the prompt cannot hang on an output",
                         "the text of the file may hold `{item}`");
  return reading.problems.reported() == reported;
}

/// What a task of it looks like, before anything is known of its item; `list` has its mentions.
bool make_sample(Reading& reading, const TaskDraft& draft, TaskList& list) {
  const auto reported = reading.problems.reported();
  for (const auto& [text, index] : {std::pair("item", 1u), std::pair("other", 2u)}) {
    ItemNames names = ItemNames::of(text, index);
    names.is_sample = true;
    add_instance(reading, draft, &names, list);
    if (reading.problems.reported() != reported) return false;
  }
  std::vector<std::string> mentioned[2];
  for (const Mention& mention : list.mentions) mentioned[mention.task].push_back(mention.name);
  if (mentioned[0] == mentioned[1]) return true;
  reading.problems.add(draft.node.span(),
                       "whom a task needs cannot hang on an item that is not known yet",
                       "need all of them by a pattern, such as `build-*`");
  return false;
}

/// The mentions of the sample, as those of the task that comes next in `list`.
void take_mentions(const TaskList& sample, TaskList& list) {
  const auto index = static_cast<std::uint32_t>(list.tasks.size());
  for (Mention mention : sample.mentions) {
    if (std::exchange(mention.task, index) == 0) list.mentions.push_back(std::move(mention));
  }
  for (ConditionMention mention : sample.conditions) {
    if (std::exchange(mention.task, index) == 0) list.conditions.push_back(std::move(mention));
  }
}

std::string base_of(const TaskDraft& draft) {
  const std::string base = as_id(draft.id->text.substr(0, draft.id->text.find('{')));
  return base.empty() ? "item" : base;
}

}  // namespace

bool is_over_output(const TaskDraft& draft) {
  return std::ranges::any_of(draft.foreach, [](const Item& item) {
    const auto first = item.text.find_first_not_of(" {");
    return first != std::string::npos && item.text.starts_with('{') &&
           std::string_view(item.text).substr(first).starts_with("outputs");
  });
}

void unfold_family(Reading& reading, const TaskDraft& draft, TaskList& list) {
  if (!check_draft(reading, draft)) return;
  const auto reference = reference_in(reading, draft.foreach.front());
  TaskList sample;
  if (!reference || !make_sample(reading, draft, sample)) return;
  const footprint::Footprint covering = covering_footprint(reading, draft);
  const auto number = static_cast<std::uint32_t>(list.families.size());
  const auto known = reading.options.items.find(number);
  const std::size_t count = known == reading.options.items.end() ? 0 : known->second.size();
  FamilyDraft family{{}, *reference, draft.foreach.front().node.span()};
  family.family.id = fill(draft.id->text, reading.set);
  family.family.first = TaskId(list.tasks.size());
  family.family.at_most = *draft.at_most;
  family.family.place = reading.problems.source().place(draft.node.span());
  const auto reported = reading.problems.reported();
  for (std::uint32_t i = 0; i < *draft.at_most; ++i) {
    if (i < count) {
      const auto names = ItemNames::of_json(known->second[i], i + 1);
      add_instance(reading, draft, &names, list);
      if (reading.problems.reported() != reported) return;
    } else {
      take_mentions(sample, list);
      Task place = sample.tasks.front();
      place.id = fmt::format("{}[{}]", base_of(draft), i + 1);
      place.item.clear();
      place.footprint = covering;
      list.id_spans.push_back(draft.id->node.span());
      list.tasks.push_back(std::move(place));
    }
    list.tasks.back().family = number;
  }
  list.families.push_back(std::move(family));
  reading.plan.notes.push_back(fmt::format(
      "{} (line {}) stands for at most {}: how many there are shows while the plan runs",
      quoted(draft.id->text), reading.problems.source().place(draft.node.span()).line,
      *draft.at_most == 1
          ? std::string("one task, which is counted here")
          : fmt::format("{} tasks, all of which are counted here", *draft.at_most)));
}

Result<std::vector<std::string>> items_of(const Plan& plan, const Family& family,
                                          const std::string& output) {
  const Task& producer = plan[family.producer];
  std::vector<std::string> items;
  if (producer.output.form != OutputSpec::Form::json) {
    for (std::size_t at = 0; at < output.size();) {
      const std::size_t end = std::min(output.find('\n', at), output.size());
      std::string line = output.substr(at, end - at);
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) items.push_back(boost::json::serialize(json::string(line)));
      at = end + 1;
    }
  } else {
    const auto whole = parse_json(output);
    if (!whole) return std::unexpected(whole.error());
    const json::value found = condition::member_at(*whole, family.path, 0);
    if (!found.is_array())
      return fail(Error::Kind::invalid,
                  fmt::format("what `foreach` goes through in the output of `{}` is {}, not a list",
                              producer.id, condition::shown(found)));
    for (const json::value& one : found.get_array()) items.push_back(boost::json::serialize(one));
  }
  if (items.size() > family.at_most)
    return fail(Error::Kind::invalid, fmt::format("`{}` gave {} items, and `at_most` is {}",
                                                  producer.id, items.size(), family.at_most));
  return items;
}

}  // namespace interlock::plan
