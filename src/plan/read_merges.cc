#include <fmt/format.h>

#include <algorithm>

#include "plan/keys.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

/// A key that only some ways of merging know.
struct KeyOf {
  std::string_view key;
  std::vector<Merge::With> ways;
};

void check_keys_of_way(Reading& reading, const Fields& fields, Merge::With with) {
  using With = Merge::With;
  static const std::vector<KeyOf> kKeys = {
      {"headings", {With::sections}},  {"key", {With::union_, With::table}},
      {"columns", {With::table}},      {"agent", {With::agent}},
      {"prompt", {With::agent}},       {"timeout", {With::agent}},
      {"idle_timeout", {With::agent}}, {"retries", {With::agent}},
      {"output", {With::agent}},       {"estimate", {With::agent}},
      {"uses", {With::agent}}};
  for (const auto& [key, ways] : kKeys) {
    const auto node = fields[key];
    if (!node || std::ranges::find(ways, with) != ways.end()) continue;
    reading.problems.add(
        node->span(), fmt::format("`{}` means nothing to a merge `with: {}`", key, name_of(with)));
  }
}

/// The task that joins the outputs; its prompt is completed when plan order is known.
void add_coordinator(Reading& reading, const Fields& fields, const Settings& defaults,
                     std::size_t merge, MergeDraft& draft, TaskList& list) {
  Task task;
  task.id = "merge:" + draft.merge.name;
  task.place = draft.merge.place;
  auto agent = defaults.agent;
  if (const auto node = fields["agent"]) {
    agent = read_agent_name(reading, *node);
    if (!agent) return;
  }
  if (!agent) agent = only_declared_agent(reading.plan);
  if (!agent) {
    return reading.problems.add(fields.node().span(), "a merge `with: agent` needs an `agent`");
  }
  const auto& by = reading.plan.agents[agent->index()];
  if (by.kind == AgentKind::command && by.run.empty()) {
    return reading.problems.add(
        (fields["agent"] ? *fields["agent"] : fields.node()).span(),
        fmt::format("agent {} has no `run`, so nothing would read the outputs", quoted(by.name)),
        "name an agent that takes prompts");
  }
  const auto prompt = fields["prompt"];
  if (!prompt)
    return reading.problems.add(fields.node().span(), "a merge `with: agent` needs a `prompt`");
  const auto asked = read_text(reading, *prompt, "a prompt").value_or("");
  check_braces(reading, asked, *prompt, reading.set);
  task.prompt = fill(with_plain_braces(asked, reading.set), reading.set, Stage::early);

  task.agent = *agent;
  if (by.kind == AgentKind::command) task.run = fill_command(by.run, reading.set, Stage::early);
  apply(read_settings(reading, fields, for_agent(defaults, by)), task);
  // It joins texts, and needs nothing of what the others work with.
  task.setup = {};
  task.services.clear();
  task.output.form = OutputSpec::Form::text;
  std::optional<Item> file;
  if (const auto node = fields["output"]) task.output = read_output(reading, *node, file);
  if (file)
    reading.problems.add(file->node.span(),
                         "a coordinator writes no file: it answers on standard output");
  if (const auto node = fields["estimate"]) task.estimate = read_estimate(reading, *node);
  if (const auto node = fields["uses"]) task.uses = read_uses(reading, *node);

  const auto index = static_cast<std::uint32_t>(list.tasks.size());
  for (const auto& from : draft.from)
    list.mentions.push_back({index, from.text, from.node.span(), true, true});
  const auto without_all = fill(task.prompt, [](std::string_view name) {
    return name == "outputs" ? std::optional<std::string>("") : std::nullopt;
  });
  note_mentions(reading, without_all, *prompt, index, list, false);
  draft.merge.coordinator = TaskId(index);
  task.coordinates = static_cast<std::uint32_t>(merge);
  list.id_spans.push_back(fields.node().span());
  list.tasks.push_back(std::move(task));
}

}  // namespace

std::vector<MergeDraft> read_merges(Reading& reading, Node node, const Settings& defaults,
                                    TaskList& list) {
  std::vector<MergeDraft> drafts;
  if (node.is_null()) return drafts;
  if (!node.is_map()) {
    expected(reading, node, "a map from names to merges");
    return drafts;
  }
  for (const auto& [key, value] : node.entries()) {
    // A list is no merge, and a merge may have that name all the same.
    if (key.text() == "driver" && value.is_list()) {
      read_merge_drivers(reading, value);
      continue;
    }
    MergeDraft draft;
    draft.merge.name = std::string(key.text());
    draft.merge.place = reading.problems.source().place(key.span());
    const Fields fields(reading, value, "a merge", kMergeKeys);
    if (draft.merge.name.empty() || draft.merge.name != as_id(draft.merge.name)) {
      reading.problems.add(key.span(),
                           fmt::format("{} is not a name for a merge", quoted(draft.merge.name)),
                           "names are letters, digits, `_`, `.` and `-`");
    }
    if (!value.is_map()) continue;
    if (const auto from = fields["from"]) {
      draft.from = read_items(reading, *from, "a task id, a pattern over ids or a list of them");
      for (auto& item : draft.from) item.text = fill(item.text, reading.set);
    } else {
      reading.problems.add(value.span(),
                           fmt::format("merge {} has no `from`", quoted(draft.merge.name)),
                           "name the tasks it joins");
    }
    const auto with = fields["with"];
    const auto way =
        with ? read_choice(reading, *with, kMergeWiths) : std::optional<std::size_t>(0);
    if (!way) continue;
    draft.merge.with = static_cast<Merge::With>(*way);
    check_keys_of_way(reading, fields, draft.merge.with);
    if (const auto each = fields["headings"])
      draft.merge.headings = texts_of(read_items(reading, *each, "a list of headings"));
    if (const auto each = fields["columns"])
      draft.merge.columns = texts_of(read_items(reading, *each, "a list of columns"));
    if (const auto each = fields["key"])
      draft.merge.key = read_filled(reading, *each, "the name of a member").value_or("");
    // Nobody has to be asked to join nothing.
    if (draft.merge.with == Merge::With::agent && !names_nothing(list, draft.from))
      add_coordinator(reading, fields, defaults, drafts.size(), draft, list);
    drafts.push_back(std::move(draft));
  }
  return drafts;
}

}  // namespace interlock::plan
