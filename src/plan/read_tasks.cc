#include <fmt/format.h>

#include <algorithm>

#include "plan/keys.h"
#include "plan/read_board.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

void read_gate(Reading& reading, Node node, Task& task) {
  static constexpr std::string_view kWords[] = {"before", "after"};
  const auto take = [&](Node word) {
    const auto index = read_choice(reading, word, kWords);
    if (index) (*index == 0 ? task.gate_before : task.gate_after) = true;
  };
  if (node.is_list()) {
    for (const auto& item : node.items()) take(item);
  } else {
    take(node);
  }
}

/// What all its attempts together may use.
void read_budget(Reading& reading, Node node, Task& task) {
  static constexpr std::string_view kKeys[] = {"tokens", "usd"};
  const Fields fields(reading, node, "a budget", kKeys);
  if (const auto value = fields["tokens"]) task.budget_tokens = read_count(reading, *value);
  if (const auto value = fields["usd"]) task.budget_usd = read_usd(reading, *value);
  if (node.is_map() && node.size() == 0)
    reading.problems.add(node.span(), "the budget limits nothing", "give it `tokens` or `usd`");
}

/// Everything that is the same for each task of a `foreach`.
void read_shared(Reading& reading, const Fields& fields, TaskDraft& draft) {
  auto& task = draft.task;
  if (const auto node = fields["run"]) {
    draft.own_run = true;
    draft.run_node = node;
    task.run = read_command(reading, *node).value_or(Command{});
  }
  if (const auto node = fields["verify"]) {
    draft.verify_node = node;
    task.verify = read_command(reading, *node).value_or(Command{});
  }
  if (const auto node = fields["repair"]) {
    draft.repair_node = node;
    task.repair = read_command(reading, *node).value_or(Command{});
  }
  draft.env_node = fields["env"];
  if (const auto node = fields["uses"]) task.uses = read_uses(reading, *node);
  if (const auto node = fields["estimate"]) task.estimate = read_estimate(reading, *node);
  if (const auto node = fields["budget"]) read_budget(reading, *node, task);
  if (const auto node = fields["gate"]) read_gate(reading, *node, task);
  if (const auto node = fields["board"]) task.board = read_board_use(reading, *node);
  if (const auto node = fields["merge"]) {
    static constexpr std::string_view kWords[] = {"text"};
    task.merge_text = read_choice(reading, *node, kWords).has_value();
  }
}

/// Who tries it after a failure.
void read_retry(Reading& reading, Node node, TaskDraft& draft) {
  const Fields fields(reading, node, "a `retry_with`", kRetryKeys);
  Task& task = draft.task;
  if (const auto agent = fields["agent"]) task.retry_agent = read_agent_name(reading, *agent);
  if (const auto model = fields["model"])
    task.retry_model = read_filled(reading, *model, "the name of a model").value_or("");
  if (node.is_map() && node.size() == 0)
    reading.problems.add(node.span(), "`retry_with` names nobody", "give it `agent` or `model`");
  if (!task.retry_agent) return;
  const Agent& by = reading.plan.agents[task.retry_agent->index()];
  if (draft.own_run) {
    reading.problems.add(node.span(), "a command of the task's own is not given to an agent");
  } else if (by.kind == AgentKind::command && by.run.empty()) {
    reading.problems.add(node.span(), fmt::format("agent {} has no `run`", quoted(by.name)));
  }
}

/// Ids and patterns; `any_of: [a, b]` among them is a group of which one has to succeed.
void read_needs(Reading& reading, Node node, TaskDraft& draft) {
  static constexpr std::string_view kKeys[] = {"any_of"};
  const auto read_one = [&](Node one) {
    if (!one.is_map()) {
      auto items = read_items(reading, one, "a task id, a pattern or `any_of`");
      draft.needs.insert(draft.needs.end(), items.begin(), items.end());
      return;
    }
    const Fields fields(reading, one, "a group of needs", kKeys);
    const auto any_of = fields["any_of"];
    if (!any_of) return reading.problems.add(one.span(), "the group of needs has no `any_of`");
    draft.any_of.push_back(read_items(reading, *any_of, "a list of task ids"));
    if (draft.any_of.back().empty()) reading.problems.add(any_of->span(), "`any_of` names no task");
  };
  if (!node.is_list()) return read_one(node);
  for (const auto& one : node.items()) read_one(one);
}

/// Everything that may hold `{item}`.
void read_templates(Reading& reading, const Fields& fields, TaskDraft& draft) {
  const auto text = [&](std::string_view key, std::string_view wanted) -> std::optional<Item> {
    const auto node = fields[key];
    auto value = node ? read_text(reading, *node, wanted) : std::nullopt;
    if (!value) return std::nullopt;
    return Item{std::move(*value), *node};
  };
  const auto items = [&](std::string_view key, std::string_view wanted) {
    const auto node = fields[key];
    return node ? read_items(reading, *node, wanted) : std::vector<Item>();
  };
  draft.id = text("id", "an id");
  draft.prompt = text("prompt", "a prompt");
  draft.prompt_file = text("prompt_file", "the path of a file");
  draft.reads = items("reads", "a list of patterns");
  draft.writes = items("writes", "a list of patterns");
  if (const auto node = fields["needs"]) read_needs(reading, *node, draft);
  draft.foreach = items("foreach", "a pattern or a list of patterns");
  if (const auto node = fields["foreach"]; node && node->is_list() && node->size() == 0) {
    reading.problems.add(node->span(), "`foreach` names no pattern");
  }
  if (const auto node = fields["when"]; node && node->is_scalar() && !node->is_null()) {
    draft.when = Item{std::string(node->text()), *node};
  } else if (node) {
    expected(reading, *node, "a condition such as `\"outputs.review.approved == false\"`");
  }
  if (const auto node = fields["at_most"]) {
    draft.at_most_node = node;
    if (const auto most = read_integer(reading, *node, 1, 10'000))
      draft.at_most = static_cast<std::uint32_t>(*most);
  }
  draft.declares_reads = fields["reads"].has_value();
  draft.declares_writes = fields["writes"].has_value();
}

bool prompted(const TaskDraft& draft) { return draft.prompt || draft.prompt_file; }

void report_idle(Reading& reading, const TaskDraft& draft) {
  reading.problems.add(draft.node.span(), "the task has nothing to do",
                       "give it a `run` or a `prompt`");
}

/// Agent of a task: its own, the default, `sh` for what has `run`, else the only one there is.
std::optional<AgentId> choose_agent(Reading& reading, const Fields& fields,
                                    std::optional<AgentId> by_default, const TaskDraft& draft) {
  const bool own_run = draft.own_run;
  const auto& agents = reading.plan.agents;
  const auto is_command = [&](AgentId id) { return agents[id.index()].kind == AgentKind::command; };
  if (fields["agent"]) {
    const auto own = read_agent_name(reading, *fields["agent"]);
    if (own && own_run && !is_command(*own)) {
      reading.problems.add(
          fields["agent"]->span(),
          fmt::format("agent {} is of kind `{}` and cannot `run` a command",
                      quoted(agents[own->index()].name), name_of(agents[own->index()].kind)),
          "leave `agent` out, or give a `prompt` instead of `run`");
    }
    return own;
  }
  const auto sh = AgentId(
      static_cast<std::size_t>(std::ranges::find(agents, "sh", &Agent::name) - agents.begin()));
  if (own_run) return by_default && is_command(*by_default) ? *by_default : sh;
  if (by_default) return by_default;
  if (const auto only = only_declared_agent(reading.plan)) return only;
  if (prompted(draft)) {
    reading.problems.add(fields.node().span(), "the task has no agent",
                         "name one with `agent`, or for all tasks with `defaults: {agent: ...}`");
  } else {
    report_idle(reading, draft);
  }
  return std::nullopt;
}

/// Whether there is something to do, and someone who can.
void check_work(Reading& reading, TaskDraft& draft, const Agent& agent, bool wrong_before) {
  if (!draft.own_run && agent.kind == AgentKind::command) {
    draft.task.run = agent.run;
    if (!draft.repair_node) draft.task.repair = agent.repair;
  }
  if (draft.prompt && draft.prompt_file) {
    reading.problems.add(draft.prompt_file->node.span(),
                         "a task has `prompt` or `prompt_file`, not both");
  }
  if (wrong_before || draft.own_run) return;
  if (!prompted(draft) && draft.task.run.empty()) {
    report_idle(reading, draft);
  } else if (agent.kind == AgentKind::command && draft.task.run.empty()) {
    reading.problems.add(
        (draft.prompt ? draft.prompt : draft.prompt_file)->node.span(),
        fmt::format("agent {} has no `run`, so nothing would read the prompt", quoted(agent.name)),
        "name an agent that takes prompts");
  }
}

}  // namespace

std::optional<TaskDraft> read_task(Reading& reading, Node node, const Settings& defaults) {
  const auto reported_before = reading.problems.reported();
  const Fields fields(reading, node, "a task", kTaskKeys);
  if (!node.is_map()) return std::nullopt;
  TaskDraft draft{.node = node};
  read_shared(reading, fields, draft);
  read_templates(reading, fields, draft);
  if (!fields["id"]) {
    reading.problems.add(node.span(), "the task has no `id`");
    return std::nullopt;
  }

  auto& task = draft.task;
  const auto agent = choose_agent(reading, fields, defaults.agent, draft);
  if (const auto output = fields["output"]) {
    task.output = read_output(reading, *output, draft.output_file);
  } else if (prompted(draft)) {
    task.output.form = OutputSpec::Form::text;
  }
  if (const auto retry = fields["retry_with"]) read_retry(reading, *retry, draft);
  auto settings = defaults;
  if (agent) {
    task.agent = *agent;
    const auto& by = reading.plan.agents[agent->index()];
    check_work(reading, draft, by, reading.problems.reported() != reported_before);
    settings = for_agent(std::move(settings), by);
  }
  apply(read_settings(reading, fields, std::move(settings)), task);
  if (const auto retry = fields["retry_with"]; retry && task.retries == 0)
    reading.problems.add(retry->span(), "nothing is tried again here", "give it `retries: 1`");
  if (!draft.id || !agent) return std::nullopt;
  read_tries(reading, fields, defaults, draft);
  return draft;
}

TaskList read_tasks(Reading& reading, Node node, const Settings& defaults) {
  TaskList list;
  if (!node.is_list()) {
    expected(reading, node, "a list of tasks", "each begins with `- id: `");
    return list;
  }
  if (node.size() > kMostTasks) {
    reading.problems.add(node.span(),
                         fmt::format("the plan has {} tasks, more than a million", node.size()));
    return list;
  }
  list.tasks.reserve(node.size());
  node.visit_items([&](Node item) {
    const auto reported = reading.problems.reported();
    if (item.is_map() && item.member("repeat")) {
      unroll(reading, item, defaults, list);
    } else if (auto draft = read_task(reading, item, defaults)) {
      unfold(reading, std::move(*draft), list);
    }
    if (reading.problems.reported() == reported) return;
    if (const auto id = item.member("id")) list.wrong_ids.emplace_back(id->text());
  });
  if (node.size() == 0 && !reading.options.may_grow)
    reading.problems.add(node.span(), "the plan has no tasks");
  return list;
}

}  // namespace interlock::plan
