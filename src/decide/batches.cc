#include "decide/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "plan/escalation.h"
#include "plan/fill.h"

namespace interlock::decide {
namespace {

/// `auto` puts no more than so much work into one attempt: a long answer is more often cut off.
constexpr Tokens kAutoTokens = 20'000;
constexpr std::size_t kAutoTasks = 20;

/// Its commands and variables say the same for every task.
bool says_the_same(const plan::Command& command) {
  std::vector<std::string> texts = command.arguments;
  texts.push_back(command.shell);
  return std::ranges::all_of(texts, [](const std::string& text) {
    return std::ranges::all_of(plan::placeholders(text), [](const auto& name) {
      return name == "prompt" || name == "prompt_file" || name == "workspace" || name == "tmp";
    });
  });
}

/// What refers to a place in a schema would mean another one inside a larger schema.
bool stands_alone(const std::string& schema) {
  constexpr std::string_view kRefer[] = {"\"$ref\"",           "\"$id\"",
                                         "\"$anchor\"",        "\"$dynamicRef\"",
                                         "\"$dynamicAnchor\"", "\"$recursiveRef\""};
  return std::ranges::none_of(kRefer, [&](std::string_view it) { return schema.contains(it); });
}

/// Why a task shares no attempt; empty: it may.
std::string why_apart(const plan::Plan& plan, const plan::Task& task) {
  using Form = plan::OutputSpec::Form;
  const plan::Agent& agent = plan.agents[task.agent.index()];
  const bool is_command = agent.kind == plan::AgentKind::command;
  if (plan.limits.gate_every) return "a person reviews every few tasks (`limits.gate_every`)";
  if (!task.when.empty()) return "it has a condition (`when`)";
  if (plan::escalates(task)) return "another agent tries it after a failure";
  if (task.family) return "what it is about is the output of another";
  if (task.prompt.empty()) return "it has no prompt";
  if (task.may_write())
    return task.footprint.unknown ? "it does not declare what it reads, so it may change files"
                                  : "it changes files";
  if (task.output.form == Form::exit_status || !task.output.file.empty())
    return "its answer is not text and no JSON";
  if (task.budget_tokens || task.budget_usd) return "it has a `budget` of its own";
  if (task.coordinates) return "it joins what others return";
  if (!task.board.empty()) return "it uses the board";
  if (task.gate_before || task.gate_after) return "it asks a person (`gate`)";
  if (task.isolation == plan::Isolation::worktree) return "it has a worktree";
  if (!task.verify.empty() && task.isolation != plan::Isolation::direct)
    return "its `verify` runs in a view of its own";
  if (!task.setup.empty() || !task.services.empty()) return "it has a `setup` or `services`";
  if (!task.allowed_hosts.empty()) return "it may connect to hosts of its own";
  if (!task.footprint.reads.exclude.empty()) return "its `reads` have exclusions";
  if (task.output.schema && !stands_alone(*task.output.schema))
    return "its schema refers to a part of itself";
  if (is_command && !says_the_same(task.run)) return "its command is not that of the others";
  const bool passes_gateway = !is_command && agent.gateway;
  for (const plan::Use& use : task.uses) {
    const bool is_quota = plan.resources[use.resource.index()].kind == plan::Resource::Kind::quota;
    if (is_quota && !passes_gateway) return "it uses a quota without the gateway";
  }
  return {};
}

/// What is the same for all tasks of a batch.
struct Like {
  std::size_t agent = 0;
  std::string model;
  plan::Isolation isolation{};
  plan::Observe observe{};
  bool own_network = false;
  std::uint32_t batch = 1;
  Duration idle_timeout{}, grace{};
  std::string run;
  std::map<std::string, std::string> environment;
  std::vector<std::tuple<std::size_t, std::int64_t>> uses;
  std::vector<std::size_t> before;  ///< Whom they wait for.

  auto operator<=>(const Like&) const = default;
};

Like like_of(const plan::Task& task, std::vector<std::size_t> before) {
  Like like;
  like.agent = task.agent.index();
  like.model = task.model;
  like.isolation = task.isolation;
  like.observe = task.observe;
  like.own_network = task.own_network;
  like.batch = task.batch;
  like.idle_timeout = task.idle_timeout;
  like.grace = task.grace;
  like.run = task.run.shell;
  for (const std::string& argument : task.run.arguments) like.run += "\n" + argument;
  like.environment = task.environment;
  for (const plan::Use& use : task.uses) like.uses.emplace_back(use.resource.index(), use.amount);
  like.before = std::move(before);
  return like;
}

double failure_of(const Expected& it) { return it.p_failure.value_or(kPriorBatchFailure); }

/// What is expected to be used again: all of it where the attempt fails, else the parts that do.
std::optional<Tokens> risk_of(const std::vector<TaskId>& batch,
                              const std::vector<Expected>& expected) {
  double whole = 0, parts = 0, fails = 0;
  for (const TaskId id : batch) {
    const Expected& it = expected[id.index()];
    if (!it.tokens || !it.overhead_tokens) return std::nullopt;
    const auto again = static_cast<double>(*it.tokens + *it.overhead_tokens);
    whole += again;
    parts += failure_of(it) * again;
    fails = std::max(fails, failure_of(it));
  }
  return static_cast<Tokens>(fails * whole + (1 - fails) * parts);
}

/// The tax of all but the first.
Tokens saved_by(const std::vector<TaskId>& batch, const std::vector<Expected>& expected) {
  Tokens saved = 0;
  for (std::size_t i = 1; i < batch.size(); ++i)
    saved += expected[batch[i].index()].overhead_tokens.value_or(0);
  return saved;
}

bool is_small(const Expected& it) {
  return it.tokens && it.overhead_tokens && *it.overhead_tokens * 2 > *it.tokens;
}

/// Consecutive ones of `tasks`, `most` together; with `auto` also bounded by their work.
std::vector<std::vector<TaskId>> cut(const std::vector<TaskId>& tasks, std::size_t most,
                                     bool is_auto, const std::vector<Expected>& expected) {
  std::vector<std::vector<TaskId>> batches;
  Tokens work = 0;
  for (const TaskId id : tasks) {
    const Tokens more = expected[id.index()].tokens.value_or(0);
    const bool is_full =
        batches.empty() || batches.back().size() >= most || (is_auto && work + more > kAutoTokens);
    if (is_full) batches.emplace_back(), work = 0;
    batches.back().push_back(id);
    work += more;
  }
  std::erase_if(batches, [](const auto& batch) { return batch.size() < 2; });
  return batches;
}

}  // namespace

bool may_share_attempt(const plan::Plan& plan, const plan::Task& task) {
  return why_apart(plan, task).empty();
}

Batching batches_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                    const std::vector<Expected>& expected, std::uint32_t slots) {
  Batching made;
  const auto asks = [](const plan::Task& task) { return task.batch != 1; };
  made.asked = static_cast<std::size_t>(std::ranges::count_if(plan.tasks, asks));
  if (made.asked == 0) return made;
  std::vector<std::vector<std::size_t>> before(plan.tasks.size());
  for (const footprint::Edge& edge : interlocking.edges)
    before[edge.after.index()].push_back(edge.before.index());
  std::map<Like, std::vector<TaskId>> groups;
  std::map<std::string, std::size_t> reasons;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    if (!asks(task)) continue;
    std::string why = why_apart(plan, task);
    if (why.empty() && task.batch == plan::kBatchAuto && !is_small(expected[i]))
      why = expected[i].tokens ? "its tax is less than a third of what it takes"
                               : "`auto` needs to know its tokens (`estimate.tokens`, or history)";
    if (!why.empty()) {
      ++reasons[why];
      continue;
    }
    std::ranges::sort(before[i]);
    before[i].erase(std::ranges::unique(before[i]).begin(), before[i].end());
    groups[like_of(task, before[i])].emplace_back(i);
  }
  for (const auto& [like, tasks] : groups) {
    const bool is_auto = like.batch == plan::kBatchAuto;
    const std::size_t most =
        is_auto ? std::min(kAutoTasks, (tasks.size() + slots - 1) / slots) : like.batch;
    for (auto& batch : cut(tasks, most, is_auto, expected)) {
      const std::optional<Tokens> risk = risk_of(batch, expected);
      const Tokens saved = saved_by(batch, expected);
      if (is_auto && (!risk || saved <= *risk)) {
        reasons["what may have to be done again costs more than the tax saved"] += batch.size();
        continue;
      }
      made.saved += saved;
      made.risk = made.risk && risk ? std::optional(*made.risk + *risk) : std::nullopt;
      for (std::size_t k = 1; k < batch.size(); ++k)
        made.startup += expected[batch[k].index()].startup.value_or(Duration{});
      made.batches.push_back(std::move(batch));
    }
  }
  std::ranges::sort(made.batches);
  const auto commonest =
      std::ranges::max_element(reasons, {}, [](const auto& reason) { return reason.second; });
  if (commonest != reasons.end()) {
    made.refused = commonest->first;
  } else if (made.batches.empty()) {
    made.refused = slots >= made.asked
                       ? "there is a slot for each of them"
                       : "no two of them have the same agent and wait for the same tasks";
  }
  return made;
}

std::vector<Expected> with_batches(std::vector<Expected> expected, const Batching& batching) {
  for (const std::vector<TaskId>& batch : batching.batches) {
    Expected& first = expected[batch.front().index()];
    for (std::size_t k = 1; k < batch.size(); ++k) {
      Expected& it = expected[batch[k].index()];
      const Duration startup = std::min(it.startup.value_or(Duration{}), it.time);
      first.time += it.time - startup;
      it.time = Duration{};
      if (it.overhead_tokens) it.overhead_tokens = 0;
      it.p_failure.reset();
      it.batched_with = batch.front();
    }
  }
  return expected;
}

}  // namespace interlock::decide
