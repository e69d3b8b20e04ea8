#include "cli/queue.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/asking.h"
#include "cli/detached.h"
#include "process/clock.h"
#include "runs/queues.h"
#include "runs/request_answers.h"
#include "runs/start.h"

// `queue`: a run that stands. It takes tasks from any terminal, and is not over when all are.
namespace interlock::cli {

namespace {

using engine::TaskState;

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr int kLookMs = 20;

Result<std::string> open_queue(journal::Store& store, const Context& context,
                               const std::string& name) {
  const auto found = runs::find_queue(store, context.where, name, true);
  if (!found) return std::unexpected(found.error());
  if (*found) return **found;
  return fail(Error::Kind::missing, fmt::format("no queue `{}` stands here", printable(name)),
              fmt::format("`interlock queue start{}` starts one",
                          name == runs::kUsualQueue ? "" : " " + shell_quote(name)));
}

Result<Exit> dispatch_queue(const Context& context, journal::Store& store, runs::ChosenRun& run) {
  auto exit = dispatch_and_report(context, store, run, Face::lines);
  if (!exit && run.state.seq == 0) runs::forget_unbegun(store, context.state_folder, run.id());
  return exit;
}

/// A queue that stands, a dispatcher that takes up one whose dispatcher is gone, or a new one.
Result<Exit> start_queue(const Context& context, const QueueRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto found = runs::find_queue(**store, context.where, request.name, true);
  if (!found) return std::unexpected(found.error());
  if (*found) {
    auto run = runs::choose_run_to_dispatch(**store, **found, context.state_folder);
    if (!run) return std::unexpected(run.error());
    if ((*run)->dispatched()) {
      context.console.remark(
          fmt::format("queue `{}` stands already: run {}", request.name, (*run)->id()));
      context.console.result((*run)->id() + "\n");
      return Exit::done;
    }
    context.console.remark("going on with " + runs::whole_name(**run));
    return dispatch_queue(context, **store, **run);
  }
  runs::PlanRequest how = request.how;
  how.stands = true;
  how.queue = request.name;
  how.pattern = decide::Pattern::queue;
  auto document = request.plan.empty() ? Result<runs::Document>(runs::queue_document(
                                             request.name, context.where, context.state_folder))
                                       : runs::read_document(request.plan);
  if (!document) return std::unexpected(document.error());
  auto run = enter_run(context, **store, *document, how);
  if (!run) return std::unexpected(run.error());
  return dispatch_queue(context, **store, **run);
}

std::string standing_of(const runs::ChosenRun& run) {
  if (!run.dispatched()) return run.state.ended ? runs::state_text(run) : "its dispatcher is gone";
  if (run.state.held) return run.state.calls_held ? "paused, model calls too" : "paused";
  return run.state.additions_closed ? "closing" : "stands";
}

json::value dispatcher_of(const runs::ChosenRun& run) {
  if (!run.dispatched()) return nullptr;
  return json::object{{"by", run.state.dispatcher}, {"pid", run.state.process->pid}};
}

/// Where a person put it the last time: `first by ann`; empty: nowhere.
std::string moved_text(const runs::ChosenRun& run, TaskId task) {
  const auto& moves = run.state.moves;
  const auto last = std::find_if(moves.rbegin(), moves.rend(),
                                 [&](const engine::MoveRecord& one) { return one.task == task; });
  if (last == moves.rend()) return {};
  return fmt::format("{}{} by {}", name_of(last->place),
                     last->other ? fmt::format(" `{}`", run.plan()[*last->other].id) : "",
                     last->by);
}

void print_queue(const Context& context, const runs::ChosenRun& run, const std::string& name) {
  process::SystemClock clock;
  const engine::RunStatus view = runs::view_from_outside(run, clock.now());
  const std::uint32_t parallel = run.planned.decision.policy.parallel;
  if (context.json) {
    json::array tasks;
    for (const engine::TaskStatus& one : view.tasks) {
      if (one.state >= TaskState::done) continue;
      const std::string moved = moved_text(run, one.task);
      tasks.push_back(
          json::object{{"id", one.id},
                       {"moved", moved.empty() ? json::value(nullptr) : json::value(moved)},
                       {"state", name_of(one.state)},
                       {"waits_for", one.waits_for.empty() ? json::value(nullptr)
                                                           : json::value(one.waits_for)}});
    }
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"queue", name},
                                                    {"run", run.id()},
                                                    {"standing", standing_of(run)},
                                                    {"dispatched", run.dispatched()},
                                                    {"dispatcher", dispatcher_of(run)},
                                                    {"parallel", parallel},
                                                    {"done", view.done},
                                                    {"failed", view.failed},
                                                    {"total", view.total},
                                                    {"open", std::move(tasks)}}));
    return;
  }
  std::string text = fmt::format("queue `{}` (run {}): {}; at most {} at once; {} of {} done{}\n",
                                 name, run.id(), standing_of(run), parallel, view.done, view.total,
                                 view.failed > 0 ? fmt::format(", {} failed", view.failed) : "");
  for (const engine::TaskStatus& one : view.tasks) {
    if (one.state >= TaskState::done) continue;
    const std::string moved = moved_text(run, one.task);
    text += fmt::format("  {}  {}{}{}\n", pad(one.id, 12), name_of(one.state),
                        one.waits_for.empty() ? "" : ": " + one.waits_for,
                        moved.empty() || one.state != TaskState::waiting ? "" : "; moved " + moved);
  }
  if (view.tasks_left_out > 0) text += fmt::format("  and {} more\n", view.tasks_left_out);
  context.console.result(text);
}

Result<Exit> show_queue(const Context& context, const QueueRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  const auto id = open_queue(**store, context, request.name);
  if (!id) return std::unexpected(id.error());
  auto run = runs::choose_run(**store, *id);
  if (!run) return std::unexpected(run.error());
  print_queue(context, **run, request.name);
  return Exit::done;
}

/// No more tasks; those that are there are finished.
Result<Exit> stop_queue(const Context& context, const QueueRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto id = open_queue(**store, context, request.name);
  if (!id) return std::unexpected(id.error());
  auto run = runs::choose_run(**store, *id);
  if (!run) return std::unexpected(run.error());
  if (auto posted = post(**store, **run, engine::Request::Kind::close, {}); !posted)
    return std::unexpected(posted.error());
  if ((*run)->state.held) {
    if (auto posted = post(**store, **run, engine::Request::Kind::release, {}); !posted)
      return std::unexpected(posted.error());
  }
  // Who waits for its end next is not to find it standing.
  process::SystemClock clock;
  const Time began = clock.now();
  while ((*run)->dispatched() && !(*run)->state.additions_closed &&
         clock.now() - began < kPatience) {
    ::poll(nullptr, 0, kLookMs);
    auto now = runs::read_on(**store, std::move(*run));
    if (!now) return std::unexpected(now.error());
    run = std::move(now);
  }
  report(context, **run, "closed", {},
         fmt::format("queue `{}` takes no more tasks, and is over when those it has are",
                     request.name));
  return Exit::done;
}

/// `move QUEUE TASK first`; with the queue left out, its words are one place to the left.
QueueRequest with_words_in_place(QueueRequest request) {
  const bool is_beside = !request.before.empty() || !request.behind.empty();
  const bool is_short =
      is_beside ? request.task.empty()
                : request.place.empty() && (request.task == "first" || request.task == "last");
  if (!is_short) return request;
  request.place = is_beside ? "" : request.task;
  request.task = request.name;
  request.name.clear();
  return request;
}

/// Changes which of those that wait starts first; plan order, and so the result, stays.
Result<Exit> move_in_queue(const Context& context, const QueueRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto queue = open_queue(**store, context, request.name);
  if (!queue) return std::unexpected(queue.error());
  auto asked = open_for_asking(context, *queue);
  if (!asked) return std::unexpected(asked.error());
  json::object body{{"place", request.place}};
  std::string where = request.place;
  for (const auto& [word, other] :
       {std::pair("before", request.before), std::pair("after", request.behind)}) {
    if (other.empty()) continue;
    body = json::object{{"place", word}, {"other", other}};
    where = fmt::format("{} `{}`", word, printable(other));
  }
  const auto answer =
      runs::ask_and_wait(*asked, engine::Request::Kind::move, request.task, json::serialize(body));
  if (!answer) return std::unexpected(answer.error());
  if (*answer && !(*answer)->refused.empty())
    return fail(Error::Kind::refused,
                fmt::format("not moved in queue `{}`: {}", request.name, (*answer)->refused));
  std::string line = fmt::format("`{}` is {} in queue `{}`", request.task, where, request.name);
  if (!*answer)
    line = fmt::format(
        "asked to put `{}` {} in queue `{}`, whose dispatcher is gone: "
        "`interlock queue start` goes on with it",
        request.task, where, request.name);
  auto run = runs::choose_run(**store, *queue);
  if (!run) return std::unexpected(run.error());
  process::SystemClock clock;
  const engine::RunStatus view = runs::view_from_outside(**run, clock.now());
  for (const engine::TaskStatus& one : view.tasks) {
    if (one.id == request.task && *answer && !one.waits_for.empty())
      line += "; it waits: " + one.waits_for;
  }
  report(context, **run, "moved", {request.task}, line);
  return Exit::done;
}

}  // namespace

Result<Exit> queue_command(const Context& context, const QueueRequest& given) {
  QueueRequest request = given.action == "move" ? with_words_in_place(given) : given;
  if (request.name.empty()) request.name = runs::kUsualQueue;
  if (auto named = runs::check_queue_name(request.name); !named)
    return std::unexpected(named.error());
  if (request.action == "start") {
    if (request.foreground) return start_queue(context, request);
    return run_detached(context, [&](const Context& own) { return start_queue(own, request); });
  }
  const bool says_where =
      !request.place.empty() || !request.before.empty() || !request.behind.empty();
  if (request.action == "move" &&
      (request.task.empty() || !says_where ||
       (!request.place.empty() && request.place != "first" && request.place != "last")))
    return fail(Error::Kind::invalid, "it is not said which task goes where",
                "`interlock queue move QUEUE TASK first`, `last`, `--before ID` or `--after ID`");
  if (request.action != "move" && (!request.task.empty() || says_where))
    return fail(Error::Kind::invalid,
                fmt::format("`queue {}` takes the name of a queue and no more", request.action));
  if (request.action == "move") return move_in_queue(context, request);
  if (request.action == "show") return show_queue(context, request);
  if (request.action == "stop") return stop_queue(context, request);
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto id = open_queue(**store, context, request.name);
  if (!id) return std::unexpected(id.error());
  if (request.action == "pause") return pause_command(context, *id, request.calls);
  auto run = runs::choose_run(**store, *id);
  if (!run) return std::unexpected(run.error());
  if (request.action == "set") {
    std::vector<std::string> settings;
    if (request.how.parallel) settings.push_back(fmt::format("parallel={}", *request.how.parallel));
    return set_command(context, *id, settings);
  }
  if (auto posted = post(**store, **run, engine::Request::Kind::release, {}); !posted)
    return std::unexpected(posted.error());
  report(context, **run, "resumed", {}, fmt::format("queue `{}` goes on", request.name));
  return Exit::done;
}

}  // namespace interlock::cli
