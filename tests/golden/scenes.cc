#include "golden/scenes.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace interlock::golden {
namespace {

using namespace std::chrono_literals;
using engine::AttemptStarted;
using engine::RunEnded;
using engine::RunStatus;
using engine::TaskState;
using engine::TaskStatus;

/// Builds a view and keeps its counts true to its tasks.
class RunViewBuilder {
 public:
  RunViewBuilder(std::string plan_name, std::string pattern) {
    run_.run = "r7k2";
    run_.plan_name = std::move(plan_name);
    run_.pattern = std::move(pattern);
  }

  RunViewBuilder& done(std::uint32_t tasks) {
    run_.done += tasks;
    run_.tasks_left_out += tasks;
    run_.total += tasks;
    return *this;
  }
  RunViewBuilder& running(std::string id, Duration age, Duration expected, std::string last_line) {
    TaskStatus& task = add(std::move(id), TaskState::running);
    task.attempt = 1;
    task.running_for = age;
    task.silent_for = 1s;
    task.expected = expected;
    task.last_line = std::move(last_line);
    ++run_.running;
    return *this;
  }
  RunViewBuilder& waiting(std::string id, std::string waits_for) {
    add(std::move(id), TaskState::waiting).waits_for = std::move(waits_for);
    ++run_.waiting;
    return *this;
  }
  RunViewBuilder& waiting_unlisted(std::uint32_t tasks) {
    run_.waiting += tasks;
    run_.tasks_left_out += tasks;
    run_.total += tasks;
    return *this;
  }
  RunViewBuilder& failed(std::string id, std::string detail) {
    add(std::move(id), TaskState::failed).detail = std::move(detail);
    ++run_.failed;
    return *this;
  }
  RunViewBuilder& reviewing(std::string id, std::string waits_for) {
    add(std::move(id), TaskState::reviewing).waits_for = std::move(waits_for);
    ++run_.reviewing;
    return *this;
  }
  RunViewBuilder& skipped(std::uint32_t tasks) {
    run_.skipped += tasks;
    run_.total += tasks;
    return *this;
  }
  TaskStatus& last_task() { return run_.tasks.back(); }
  RunStatus& run() { return run_; }

 private:
  TaskStatus& add(std::string id, TaskState state) {
    TaskStatus& task = run_.tasks.emplace_back();
    task.task = TaskId(run_.total++);
    task.id = std::move(id);
    task.state = state;
    return task;
  }

  RunStatus run_;
};

RunStatus three_tasks() {
  RunViewBuilder view("morning-review", "parallel");
  view.done(1)
      .running("research-auth", 21s, 45s, "Reading src/auth/session.cc")
      .running("review-pr", 20s, 30s, "\x1b[33mwarning:\x1b[0m 2 hunks without a test")
      .run()
      .elapsed = 21s;
  view.run().remaining = 24s;
  return view.run();
}

RunStatus forty_tasks() {
  RunViewBuilder view("content-batch", "queue(4)");
  view.done(19)
      .failed("summary-chapter-07", "output breaks its schema: `/findings/0/line` is not a number")
      .running("summary-chapter-23", 4s, 40s, "読んでいます sources/chapter-23.md")
      .running("summary-chapter-20", 75s, 40s, "")
      .running("summary-chapter-22", 12s, 40s, "Writing notes/chapter-22.md")
      .running("summary-chapter-21", 31s, 40s, "Comparing with chapter 20 🙂");
  view.run().tasks[2].silent_for = 61s;
  view.run().tasks[2].idle_limit = 90s;
  view.run().tasks[3].because = AttemptStarted::Trigger::correction;
  view.run().tasks[1].call_waits =
      "its model call waits: the provider said 429: slow down, tried in 41 s (at 09:12:30)";
  view.waiting("summary-chapter-24", "conflict with `summary-chapter-20` on `notes/index.md`");
  for (int chapter = 25; chapter <= 38; ++chapter) {
    view.waiting(fmt::format("summary-chapter-{}", chapter), "a slot: 4 of 4 in use");
  }
  view.waiting("join-the-notes", "needs `summary-chapter-20`, `summary-chapter-21` and 17 more");
  RunStatus& run = view.run();
  run.elapsed = 3min + 52s;
  run.remaining = 3min + 10s;
  run.tokens = 412'300;
  run.cost = 1'284'000;
  return run;
}

RunStatus ten_thousand_tasks() {
  RunViewBuilder view("shards", "queue(64)");
  view.done(6'211)
      .failed("shard-00911", "exit status 2")
      .failed("shard-04002", "killed by signal 9");
  for (int i = 0; i < 64; ++i) {
    view.running(fmt::format("shard-{:05}", 6'213 + i), 900ms - i * 10ms, 1s, "ok");
  }
  for (int i = 0; i < 20; ++i)
    view.waiting(fmt::format("shard-{:05}", 6'277 + i), "a slot: 64 of 64 in use");
  view.waiting_unlisted(3'703);
  view.run().elapsed = 1min + 41s;
  view.run().remaining = 59s;
  return view.run();
}

RunStatus gate_before_a_migration() {
  RunViewBuilder view("migrations", "sequential");
  view.done(2)
      .waiting("migrate-orders", "a gate before it")
      .waiting("check-orders", "needs `migrate-orders`");
  view.run().elapsed = 8s;
  view.run().attention =
      "`migrate-orders` waits for you: `interlock approve r7k2 migrate-orders` or "
      "`interlock reject r7k2 migrate-orders`";
  return view.run();
}

RunStatus two_failures_and_a_review() {
  RunViewBuilder view("test-suites", "parallel");
  view.done(3)
      .failed("unit-parser", "exit status 1: 3 of 214 tests failed")
      .failed("e2e-login", "went silent for 90 s")
      .reviewing("e2e-checkout", "approval of its result")
      .running("e2e-search", 2min + 5s, 3min, "PASS search/test_filters.py::test_price_range")
      .skipped(2);
  RunStatus& run = view.run();
  run.elapsed = 2min + 6s;
  run.cost = 0;
  run.attention = "`e2e-checkout` waits for you: `interlock approve r7k2 e2e-checkout`";
  run.stopping = "a task failed and `on_failure` is `stop`";
  return run;
}

RunStatus finished() {
  RunViewBuilder view("morning-review", "parallel");
  RunStatus& run = view.done(3).run();
  run.ended = RunEnded::How::finished;
  run.elapsed = 47s;
  run.sequential = 95s;
  run.models.any = true;
  run.tokens = 45'600;
  run.cost = 231'000;
  run.digest = "3f9ac1d27b60";
  return run;
}

RunStatus finished_without_gain() {
  RunViewBuilder view("one-liner", "sequential");
  RunStatus& run = view.done(1).run();
  run.ended = RunEnded::How::finished;
  run.elapsed = 2s;
  run.sequential = 1900ms;
  run.digest = "77aa01b2c3d4";
  return run;
}

RunStatus failed_twice() {
  RunStatus run = two_failures_and_a_review();
  run.ended = RunEnded::How::failed;
  run.tasks.pop_back();
  run.running = run.reviewing = 0;
  run.done = 5;
  run.retried = 2;
  run.corrected = 1;
  run.elapsed = 3min + 12s;
  run.sequential = 9min + 30s;
  run.waited = {
      .needs = 12s, .conflict = 75s, .quota = 400ms, .slot = 5min, .gate = 41s, .backoff = 4s};
  run.failed_work = 42s;
  run.stood = 30s;
  run.merges_failed = {{"report", "`unit-parser` and `e2e-login` gave nothing"}};
  run.digest = "0c1d2e3f4a5b";
  return run;
}

RunStatus failed_forty_times() {
  RunViewBuilder view("shards", "queue(64)");
  view.done(9'960);
  view.run().models.any = true;  // Tokens and cost were told by nobody.
  for (int i = 0; i < 40; ++i) view.failed(fmt::format("shard-{:05}", i * 17), "exit status 2");
  RunStatus& run = view.run();
  run.ended = RunEnded::How::failed;
  run.elapsed = 2min + 44s;
  run.sequential = 2h + 51min;
  run.digest = "aa55aa55aa55";
  return run;
}

RunStatus interrupted() {
  RunStatus run = three_tasks();
  run.ended = RunEnded::How::interrupted;
  run.waiting = std::exchange(run.running, 0);
  for (TaskStatus& task : run.tasks) task.state = TaskState::waiting;
  run.sequential = 20s;
  return run;
}

RunStatus paused_at_a_gate() {
  RunStatus run = gate_before_a_migration();
  run.ended = RunEnded::How::paused_at_gate;
  run.sequential = 8s;
  return run;
}

}  // namespace

std::vector<Scene> scenes_under_way() {
  return {{"three_tasks", three_tasks()},
          {"forty_tasks", forty_tasks()},
          {"ten_thousand_tasks", ten_thousand_tasks()},
          {"gate_before_a_migration", gate_before_a_migration()},
          {"two_failures_and_a_review", two_failures_and_a_review()}};
}

std::vector<Scene> scenes_at_the_end() {
  return {{"finished", finished()},         {"finished_without_gain", finished_without_gain()},
          {"failed_twice", failed_twice()}, {"failed_forty_times", failed_forty_times()},
          {"interrupted", interrupted()},   {"paused_at_a_gate", paused_at_a_gate()}};
}

}  // namespace interlock::golden
