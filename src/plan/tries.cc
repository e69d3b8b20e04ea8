// Tasks of which several attempts are made side by side, and one counts: each try is a task of its
// own, and so is the judge that picks one.

#include <fmt/format.h>

#include <algorithm>

#include "plan/keys.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

constexpr std::string_view kJudgePrompt =
    "Several tries were made at the task below, each by itself. Compare what they answered and "
    "what they changed. Pick the one that does best what was asked: correct first, then complete, "
    "then simple.";

bool is_copy(Isolation isolation) {
  return isolation == Isolation::view || isolation == Isolation::worktree;
}

/// What stands beside `tries` and cannot.
void check_fit(Reading& reading, const Fields& fields, Node tries, TaskDraft& draft) {
  Task& task = draft.task;
  std::erase_if(task.isolation_else, [](Isolation one) { return !is_copy(one); });
  if (!is_copy(task.isolation) && !task.isolation_else.empty()) {
    task.isolation = task.isolation_else.front();
    task.isolation_else.erase(task.isolation_else.begin());
  }
  if (!is_copy(task.isolation)) {
    const auto said = fields["isolation"];
    reading.problems.add(
        said.value_or(tries).span(),
        fmt::format("tries change one workspace side by side, which `isolation: {}` cannot",
                    name_of(task.isolation)),
        "give each a copy: `isolation: view` or `isolation: worktree`");
  }
  if (const auto batch = fields["batch"]; batch && task.batch != 1)
    reading.problems.add(batch->span(), "a task with `tries` shares no attempt with others",
                         "leave `batch` or `tries` out");
  task.batch = 1;
  if (task.gate_before)
    reading.problems.add(
        fields["gate"].value_or(tries).span(),
        "a task with `tries` has no gate before it, as its tries come first",
        "put the gate before a task that it needs; `gate: after` asks about the picked one");
  if (const auto board = fields["board"])
    reading.problems.add(board->span(),
                         "a task with `tries` leaves no notes on a board and reads none: those of "
                         "tries that are not picked would count",
                         "let a task that it needs read, or one that needs it post");
  for (const Use& use : task.uses) {
    const Resource& resource = reading.plan.resources[use.resource.index()];
    if (resource.kind == Resource::Kind::lock)
      reading.problems.add(
          fields["uses"].value_or(tries).span(),
          fmt::format("several tries cannot hold the lock {} at once", quoted(resource.name)),
          "make it `kind: slots` with a capacity for all of them");
  }
}

/// Who judges: as said, else who does the task.
std::optional<AgentId> read_judging_agent(Reading& reading, const std::optional<Fields>& fields,
                                          Node pick, const TaskDraft& draft) {
  const auto said = fields ? (*fields)["agent"] : std::nullopt;
  const auto agent = said ? read_agent_name(reading, *said) : std::optional(draft.task.agent);
  if (!agent) return std::nullopt;
  const Agent& by = reading.plan.agents[agent->index()];
  const bool takes_prompts = by.kind != AgentKind::command || !by.run.empty();
  if (takes_prompts && (said || !draft.own_run)) return agent;
  if (said) {
    reading.problems.add(
        said->span(),
        fmt::format("agent {} has no `run`, so nothing would read the tries", quoted(by.name)),
        "name an agent that takes prompts");
  } else {
    reading.problems.add(pick.span(), "the judge of the tries has no agent",
                         "name one: `pick: {judge: {agent: NAME}}`");
  }
  return std::nullopt;
}

void read_judge(Reading& reading, std::optional<Node> node, Node pick, const Settings& defaults,
                TaskDraft& draft) {
  std::optional<Fields> fields;
  if (node) fields.emplace(reading, *node, "a judge", kJudgeKeys);
  if (node && !node->is_map()) return;
  const auto agent = read_judging_agent(reading, fields, pick, draft);
  if (!agent) return;
  const Agent& by = reading.plan.agents[agent->index()];
  Task judge;
  judge.agent = *agent;
  if (by.kind == AgentKind::command) judge.run = fill_command(by.run, reading.set, Stage::early);
  Settings settings = for_agent(defaults, by);
  if (fields) settings = read_settings(reading, *fields, std::move(settings));
  apply(settings, judge);
  // It compares texts, and needs nothing of what the tries work with.
  judge.setup = {};
  judge.services.clear();
  judge.batch = 1;
  judge.prompt = kJudgePrompt;
  if (const auto prompt = fields ? (*fields)["prompt"] : std::nullopt) {
    const auto asked = read_text(reading, *prompt, "a prompt").value_or("");
    check_braces(reading, asked, *prompt, reading.set);
    judge.prompt = fill(with_plain_braces(asked, reading.set), reading.set, Stage::early);
  }
  if (const auto one = fields ? (*fields)["estimate"] : std::nullopt)
    judge.estimate = read_estimate(reading, *one);
  if (const auto uses = fields ? (*fields)["uses"] : std::nullopt) {
    judge.uses = read_uses(reading, *uses);
  } else if (*agent == draft.task.agent) {
    judge.uses = draft.task.uses;
  }
  judge.output.form = OutputSpec::Form::json;
  judge.output.schema = fmt::format(
      R"({{"type": "object", "properties": {{"pick": {{"type": "integer", "minimum": 1, )"
      R"("maximum": {}}}, "why": {{"type": "string"}}}}, "required": ["pick", "why"], )"
      R"("additionalProperties": false}})",
      draft.tries);
  draft.judge = std::move(judge);
}

/// A try costs none of the task's retries: those are for when no try was good.
TaskDraft draft_of_try(const TaskDraft& draft) {
  TaskDraft one = draft;
  one.tries = 0;
  one.judge.reset();
  one.task.retries = 0;
  one.task.retry_agent.reset();
  one.task.retry_model.clear();
  one.task.gate_after = false;
  return one;
}

}  // namespace

void read_tries(Reading& reading, const Fields& fields, const Settings& defaults,
                TaskDraft& draft) {
  const auto tries = fields["tries"], pick = fields["pick"];
  if (!tries) {
    if (pick)
      reading.problems.add(pick->span(), "`pick` chooses among tries, and there are none",
                           "say how many: `tries: 3`");
    return;
  }
  draft.tries_node = tries;
  const auto count = read_integer(reading, *tries, kFewestTries, kMostTries);
  if (!count) return;
  draft.tries = static_cast<std::uint32_t>(*count);
  check_fit(reading, fields, *tries, draft);
  if (!pick) return;
  if (pick->is_map()) {
    const Fields of_pick(reading, *pick, "a `pick`", kPickKeys);
    if (const auto judge = of_pick["judge"]) {
      read_judge(reading, *judge, *pick, defaults, draft);
    } else {
      reading.problems.add(pick->span(), "`pick` names no judge",
                           "write `first-verified`, `judge` or `{judge: {agent: NAME}}`");
    }
    return;
  }
  const auto word = read_choice(reading, *pick, kPicks);
  if (word && kPicks[*word] == "judge") read_judge(reading, std::nullopt, *pick, defaults, draft);
}

void add_with_tries(Reading& reading, const TaskDraft& draft, const ItemNames* item,
                    TaskList& list) {
  if (draft.tries == 0) return add_instance(reading, draft, item, list);
  const auto reported = reading.problems.reported();
  const TaskDraft one = draft_of_try(draft);
  TriesDraft made;
  Round round;
  round.is_try = true;
  for (round.number = 1; round.number <= draft.tries; ++round.number) {
    made.tries.push_back(static_cast<std::uint32_t>(list.tasks.size()));
    add_instance(reading, one, item, list, &round);
    // The same trouble comes with each try.
    if (reading.problems.reported() != reported) return;
  }
  if (draft.judge) {
    made.judge = static_cast<std::uint32_t>(list.tasks.size());
    Task judge = *draft.judge;
    const std::string& last = list.tasks.back().id;
    judge.id = last.substr(0, last.rfind('.')) + ".judge";
    judge.place = list.tasks.back().place;
    list.id_spans.push_back(draft.id->node.span());
    list.tasks.push_back(std::move(judge));
  }
  made.task = static_cast<std::uint32_t>(list.tasks.size());
  add_instance(reading, draft, item, list);
  list.tries.push_back(std::move(made));
}

}  // namespace interlock::plan
