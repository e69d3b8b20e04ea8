#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "base/json.h"
#include "base/text.h"
#include "cli/add_plan.h"
#include "cli/asking.h"
#include "decide/words.h"
#include "plan/drafting.h"
#include "process/clock.h"
#include "runs/opened_run.h"
#include "runs/queues.h"
#include "runs/run_models.h"
#include "workspace/local_files.h"

// `add`: a task for a run that goes on. It starts at once where it provably meets nothing that
// runs or waits before it; else it waits, and says for whom.
namespace interlock::cli {

namespace {

using engine::TaskState;

json::array texts(const std::vector<std::string>& words) {
  json::array list;
  for (const std::string& word : words) list.push_back(json::string(word));
  return list;
}

/// The task as a plan document would have it.
Result<json::object> task_of(const AddRequest& request) {
  if (request.command.empty() && request.prompt.empty())
    return fail(Error::Kind::invalid, "there is nothing to do",
                "give a command after `--`, or a prompt: `--agent claude -p \"...\"`");
  if (!request.command.empty() && (!request.prompt.empty() || !request.agent.empty()))
    return fail(Error::Kind::invalid, "a task is a command or an agent's prompt, not both");
  json::object task;
  if (!request.id.empty()) task["id"] = request.id;
  if (!request.agent.empty()) task["agent"] = request.agent;
  if (!request.prompt.empty()) task["prompt"] = request.prompt;
  if (request.command.size() == 1) task["run"] = request.command.front();
  if (request.command.size() > 1) task["run"] = texts(request.command);
  if (!request.reads.empty() || request.reads_nothing) task["reads"] = texts(request.reads);
  if (!request.writes.empty() || request.writes_nothing) task["writes"] = texts(request.writes);
  // Who names only one of the two touches nothing in the other way.
  if (task.contains("writes") && !task.contains("reads")) task["reads"] = json::array();
  if (task.contains("reads") && !task.contains("writes")) task["writes"] = json::array();
  if (!request.uses.empty()) task["uses"] = texts(request.uses);
  if (!request.needs.empty()) task["needs"] = texts(request.needs);
  if (!request.output.empty()) task["output"] = request.output;
  if (!request.timeout.empty()) task["timeout"] = request.timeout;
  return task;
}

Result<std::string> run_meant(journal::Store& store, const Context& context,
                              const AddRequest& request) {
  if (!request.run.empty()) return runs::run_named(store, context.where, request.run);
  const std::string name = request.queue.empty() ? std::string(runs::kUsualQueue) : request.queue;
  const auto found = runs::find_queue(store, context.where, name, true);
  if (!found) return std::unexpected(found.error());
  if (*found) return **found;
  return fail(Error::Kind::missing, fmt::format("no queue `{}` stands here", printable(name)),
              fmt::format("`interlock queue start{}` starts one",
                          name == runs::kUsualQueue ? "" : " " + shell_quote(name)));
}

/// The run that is to get more, in a store that may be written.
Result<runs::OpenedRun> open_meant(const Context& context, const AddRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto id = run_meant(**store, context, request);
  if (!id) return std::unexpected(id.error());
  auto run = runs::choose_run(**store, *id);
  if (!run) return std::unexpected(run.error());
  return runs::OpenedRun{std::move(*store), std::move(*run)};
}

/// How a task stands that is in the run's plan.
Result<Exit> report_task(const Context& context, const runs::ChosenRun& run, const std::string& id,
                         bool is_new) {
  const auto task = run.plan().find(id);
  if (!task) return fail(Error::Kind::internal, fmt::format("task `{}` is not in the run", id));
  process::SystemClock clock;
  const engine::TaskStatus view = runs::task_view_from_outside(run, *task, clock.now());
  if (context.json) {
    context.console.result(pretty_json(
        json::object{{"version", 1},
                     {"run", run.id()},
                     {"task", id},
                     {"added", is_new},
                     {"state", name_of(view.state)},
                     {"dispatched", run.dispatched()},
                     {"waits_for", view.waits_for.empty() ? json::value(nullptr)
                                                          : json::value(view.waits_for)}}));
    return Exit::done;
  }
  context.console.result(id + "\n");
  const std::string state = view.state == TaskState::waiting && !view.waits_for.empty()
                                ? fmt::format("waits: {}", view.waits_for)
                                : std::string(name_of(view.state));
  context.console.remark(fmt::format("`{}` {} {}: {}", id, is_new ? "is added to" : "was in",
                                     runs::whole_name(run), state));
  return Exit::done;
}

/// The same key again: nothing is added twice.
Result<Exit> report_known(const Context& context, journal::Store& store, const runs::ChosenRun& run,
                          const json::object& task, const std::string& id) {
  const auto known = runs::added_task(store, run.id(), id);
  if (!known) return std::unexpected(known.error());
  if (*known && **known == task) return report_task(context, run, id, false);
  return fail(Error::Kind::refused,
              fmt::format("{} has a task `{}` already, which is another", runs::whole_name(run),
                          printable(id)),
              "an id is added once: give this one another");
}

Result<Exit> report_posted(const Context& context, const runs::ChosenRun& run,
                           const std::string& id) {
  const std::string hint = run.request.queue.empty() ? fmt::format("interlock resume {}", run.id())
                                                     : fmt::format("interlock queue start {}",
                                                                   shell_quote(run.request.queue));
  if (context.json) {
    context.console.result(
        pretty_json(json::object{{"version", 1},
                                 {"run", run.id()},
                                 {"task", id.empty() ? json::value(nullptr) : json::value(id)},
                                 {"added", true},
                                 {"state", "posted"},
                                 {"dispatched", run.dispatched()},
                                 {"waits_for", "a dispatcher"}}));
    return Exit::done;
  }
  if (!id.empty()) context.console.result(id + "\n");
  context.console.remark(
      fmt::format("kept for {}, whose dispatcher has not taken it yet", runs::whole_name(run)));
  if (!run.dispatched()) context.console.remark(" hint: " + hint);
  return Exit::done;
}

/// What the dispatcher made of it.
Result<Exit> report_answer(const Context& context, journal::Store& store,
                           const runs::ChosenRun& run, const json::object& task,
                           const runs::AddAnswer& answer) {
  if (answer.refused.empty()) return report_task(context, run, answer.ids.front(), true);
  // Another process may have added the same at the same moment.
  const json::value* id = task.if_contains("id");
  const std::string key = id == nullptr ? std::string() : std::string(id->get_string());
  if (!key.empty() && run.plan().find(key)) return report_known(context, store, run, task, key);
  return fail(Error::Kind::invalid,
              fmt::format("not added to {}: {}", runs::whole_name(run), answer.refused));
}

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr int kLookMs = 20;

/// What became of a request to add; no answer: no dispatcher has taken it yet.
struct Posted {
  std::unique_ptr<runs::ChosenRun> run;
  std::optional<runs::AddAnswer> answer;
};
Result<Posted> post_tasks(journal::Store& store, std::unique_ptr<runs::ChosenRun> run,
                          const std::string& body) {
  if (!runs::takes_tasks(*run))
    return fail(
        Error::Kind::refused,
        fmt::format("{} takes no more tasks: {}", runs::whole_name(*run),
                    run->state.additions_closed ? "it was closed" : runs::state_text(*run)));
  if (runs::secrets_in(run->plan(), runs::own_environment()).apply(body) != body)
    return fail(Error::Kind::refused, "a task that is added may not hold a key",
                "pass it on by its variable: `pass_env` of the agent");
  const std::uint64_t before = run->state.seq;
  const auto number = post(store, *run, engine::Request::Kind::add, {}, body);
  if (!number) return std::unexpected(number.error());
  process::SystemClock clock;
  const Time began = clock.now();
  while (clock.now() - began < kPatience) {
    auto answer = runs::answer_to(store, run->id(), before, *number);
    if (!answer) return std::unexpected(answer.error());
    if (!*answer && run->dispatched()) {
      ::poll(nullptr, 0, kLookMs);
      continue;
    }
    auto now = runs::read_on(store, std::move(run));
    if (!now) return std::unexpected(now.error());
    run = std::move(*now);
    if (*answer) return Posted{std::move(run), std::move(*answer)};
    if (!run->dispatched()) break;
    // Another dispatcher began meanwhile, and perhaps before the request was there.
    poke(*run);
  }
  return Posted{std::move(run), std::nullopt};
}

/// Whether tasks of `plan` mean the same in the run: what they are done by and share is theirs by
/// name alone.
Result<void> check_same_world(const plan::Plan& plan, const runs::Document& document,
                              const runs::ChosenRun& run) {
  const auto refuse = [&](std::string what, std::string hint = {}) -> Result<void> {
    return fail(Error::Kind::refused,
                fmt::format("the plan cannot join {}: {}", runs::whole_name(run), what),
                std::move(hint));
  };
  std::error_code trouble;
  if (plan.workspace != run.plan().workspace)
    return refuse(fmt::format("its workspace is `{}`", printable(plan.workspace)));
  if (!std::filesystem::equivalent(document.folder.empty() ? "." : document.folder,
                                   run.request.folder, trouble))
    return refuse(fmt::format("it does not lie in `{}`, where paths in it would be looked for",
                              printable(run.request.folder)));
  if (!plan.families.empty() || !plan.loops.empty())
    return refuse("tasks that are added can neither go through an output nor be repeated");
  const auto differs = [&](const auto& own, const auto& theirs) {
    const auto same = std::ranges::find(theirs, own.name, [](const auto& one) { return one.name; });
    if (same == theirs.end()) return true;
    auto mine = own;
    mine.place = same->place;
    return !(mine == *same);
  };
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    if (differs(agent, run.plan().agents))
      return refuse(fmt::format("it has no such agent `{}`", printable(agent.name)),
                    "`interlock queue start --plan FILE` has the agents of a plan");
  }
  for (const plan::Resource& resource : plan.resources) {
    if (differs(resource, run.plan().resources))
      return refuse(fmt::format("it has no such resource `{}`", printable(resource.name)),
                    "`interlock queue start --plan FILE` has the resources of a plan");
  }
  return {};
}

Result<void> check_only_tasks(const json::object& members) {
  for (const char* key : {"defaults", "merge", "commits"}) {
    if (members.contains(key))
      return fail(Error::Kind::refused,
                  fmt::format("the plan has `{}`, and only tasks can be added", key),
                  "`interlock run --wait-for-workspace` runs it by itself");
  }
  return {};
}

}  // namespace

Result<Exit> add_plan_command(const Context& context, const AddRequest& request,
                              const std::string& file) {
  if (!request.command.empty() || !request.prompt.empty() || !request.agent.empty() ||
      !request.id.empty())
    return fail(Error::Kind::invalid, "the tasks of a plan are added as they are",
                "leave the command, the agent and the id out");
  const auto document = runs::read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  const auto plan = runs::read_plan_or_complain(*document, {}, files);
  if (!plan) return std::unexpected(plan.error());
  const auto members =
      plan::members_of(document->text, document->file, {"tasks", "defaults", "merge", "commits"});
  if (!members) return std::unexpected(members.error());
  if (auto able = check_only_tasks(*members); !able) return std::unexpected(able.error());
  auto opened = open_meant(context, request);
  if (!opened) return std::unexpected(opened.error());
  auto& [store, run] = *opened;
  if (auto same = check_same_world(*plan, *document, *run); !same)
    return std::unexpected(same.error());
  auto posted = post_tasks(*store, std::move(run), json::serialize(members->at("tasks")));
  if (!posted) return std::unexpected(posted.error());
  const std::string whole = runs::whole_name(*posted->run);
  if (!posted->answer) return report_posted(context, *posted->run, {});
  if (!posted->answer->refused.empty())
    return fail(Error::Kind::invalid,
                fmt::format("not added to {}: {}", whole, posted->answer->refused));
  json::array ids;
  for (const std::string& one : posted->answer->ids) {
    ids.emplace_back(json::string(one));
    if (!context.json) context.console.result(one + "\n");
  }
  const std::size_t count = ids.size();
  if (context.json)
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"run", posted->run->id()},
                                                    {"tasks", std::move(ids)},
                                                    {"dispatched", posted->run->dispatched()}}));
  context.console.remark(fmt::format("{} added to {}", decide::count_of(count, "task"), whole));
  return Exit::done;
}

Result<Exit> add_command(const Context& context, const AddRequest& request) {
  auto task = task_of(request);
  if (!task) return std::unexpected(task.error());
  auto opened = open_meant(context, request);
  if (!opened) return std::unexpected(opened.error());
  auto& [store, run] = *opened;
  if (!request.id.empty() && run->plan().find(request.id))
    return report_known(context, *store, *run, *task, request.id);
  const auto posted = post_tasks(*store, std::move(run), json::serialize(json::array{*task}));
  if (!posted) return std::unexpected(posted.error());
  if (!posted->answer) return report_posted(context, *posted->run, request.id);
  return report_answer(context, *store, *posted->run, *task, *posted->answer);
}

}  // namespace interlock::cli
