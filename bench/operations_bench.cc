// How the cost of each operation grows with the number of tasks, events or changesets it is done
// for.
//
//   operations_bench [--json] [PART [ROUNDS]]        (1 3)
//
// Processor time of: reading a plan, finding who waits for whom, deciding with its forecasts,
// appending events to the journal a turn at a time, reading them back, making a run's state of
// them, and committing changesets of disjoint files, the checkpoint included. PART is of the sizes.
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "bench/no_files.h"
#include "bench/samples.h"
#include "decide/decision.h"
#include "engine/run_state.h"
#include "journal/sqlite_store.h"
#include "plan/read.h"
#include "snapshots/local_snapshots.h"

namespace interlock {
namespace {

namespace fs = std::filesystem;
using engine::Event;
using engine::RecordedEvent;

constexpr std::size_t kSizes[] = {1000, 3000, 10'000, 30'000, 100'000};
constexpr std::size_t kCommits[] = {64, 256, 1024, 4096};
constexpr std::size_t kEventsATurn = 8;

template <typename T>
T must(Result<T> result) {
  if (!result) fmt::print(stderr, "operations_bench: {}\n", result.error().message);
  check(result.has_value(), "what is measured works");
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Goes with all that is in it.
class Folder {
 public:
  explicit Folder(const fs::path& in = fs::temp_directory_path()) {
    std::string name = (in / "interlock-bench-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "a folder is to be had");
    path_ = fs::canonical(name).string();
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string at(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Each task reads what two of the layer before it write; ten layers, so that all sizes have as
/// many edges a task.
std::string layered_plan(std::size_t count) {
  const std::size_t width = std::max<std::size_t>(count / 10, 2);
  const auto path = [](std::size_t i) { return fmt::format("f/{}/{}", i / 1000, i); };
  std::string text = R"({"interlock": 1, "tasks": [)";
  for (std::size_t i = 0; i < count; ++i) {
    std::string reads;
    if (i >= width) {
      const std::size_t before = (i / width - 1) * width;
      reads = fmt::format(R"("{}", "{}")", path(i - width), path(before + (i + 1) % width));
    }
    text += fmt::format(R"({}{{"id": "t{}", "run": ["true"], "reads": [{}], "writes": ["{}"]}})",
                        i == 0 ? "" : ",\n", i, reads, path(i));
  }
  return text + "]}\n";
}

plan::Plan read(const std::string& text) {
  bench::NoFiles files;
  auto result = plan::read_plan(text, {.file = "layered.json", .folder = "/work"}, files);
  check(result.problems.empty(), "the bench's plan can be read");
  return std::move(result.plan);
}

/// A run that began, and of each task a start and an end.
std::vector<RecordedEvent> events_of(std::size_t tasks) {
  std::vector<RecordedEvent> events;
  const auto add = [&](Event event) {
    RecordedEvent recorded;
    recorded.seq = events.size() + 1;
    recorded.at = Time(std::chrono::milliseconds(events.size()));
    recorded.event = std::move(event);
    events.push_back(std::move(recorded));
  };
  add(engine::RunBegan{.dispatcher = "user@host", .process = {}});
  for (std::size_t i = 0; i < tasks; ++i) {
    engine::AttemptStarted started;
    started.task = TaskId(i);
    add(started);
    engine::AttemptEnded ended;
    ended.task = TaskId(i);
    ended.exit_code = 0;
    ended.elapsed = std::chrono::milliseconds(20);
    add(ended);
    engine::TaskDone done;
    done.task = TaskId(i);
    done.attempt = 1;
    add(done);
  }
  return events;
}

/// By operation and size, what each round took.
class Costs {
 public:
  void time(const std::string& operation, std::size_t size, const std::function<void()>& act) {
    const std::clock_t before = std::clock();
    const auto begin = std::chrono::steady_clock::now();
    act();
    Seconds& it = seconds_[{operation, size}];
    it.cpu.push_back(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC);
    it.elapsed.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  void print(bool as_json) const {
    for (const auto& [what, it] : seconds_) {
      const auto& [operation, size] = what;
      if (as_json) {
        fmt::print(R"({{"operation":"{}","size":{},"cpu":[{}],"elapsed":[{}]}})"
                   "\n",
                   operation, size, fmt::join(it.cpu, ","), fmt::join(it.elapsed, ","));
      } else {
        fmt::print("{:<12}{:>9}{:>12.2f} us each, elapsed {:.2f}\n", operation, size,
                   least(it.cpu, size), least(it.elapsed, size));
      }
    }
  }

 private:
  struct Seconds {
    std::vector<double> cpu, elapsed;
  };
  static double least(const std::vector<double>& seconds, std::size_t size) {
    return 1e6 * *std::ranges::min_element(seconds) / static_cast<double>(size);
  }
  std::map<std::pair<std::string, std::size_t>, Seconds> seconds_;
};

void measure_plan(std::size_t size, Costs& costs) {
  const std::string text = layered_plan(size);
  plan::Plan plan;
  costs.time("read", size, [&] { plan = read(text); });
  footprint::Interlocking interlocking;
  costs.time("interlock", size, [&] { interlocking = plan::interlocking_of(plan); });
  costs.time("decide", size, [&] {
    const auto expected = decide::expect(plan, {});
    check(decide::decide(plan, interlocking, expected, {}).policy.parallel > 0, "it is decided");
  });
}

/// In memory, where there is such a place: processor time is what is measured, and a disk would
/// only be waited for.
void measure_journal(std::size_t size, Costs& costs) {
  const Folder folder(fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path());
  const auto store = must(journal::SqliteStore::open(folder.at("state"), journal::Access::write));
  journal::RunHead head;
  head.workspace = "/work";
  const std::string run = must(store->create_run(head, 1));
  const auto lease = must(store->lease_run({.run = run, .plan = {}, .host = {}}));
  const plan::Plan plan = read(layered_plan(size));
  std::vector<journal::TaskLabel> labels;
  for (const plan::Task& task : plan.tasks) labels.push_back({task.id, "sh", ""});
  const auto journal = must(store->open_run(run, *lease, std::move(labels)));
  const std::vector<RecordedEvent> events = events_of(size);
  costs.time("append", events.size(), [&] {
    for (std::size_t at = 0; at < events.size(); at += kEventsATurn) {
      const std::size_t count = std::min(kEventsATurn, events.size() - at);
      must(journal->append(std::span(events).subspan(at, count), {}, {}));
    }
  });
  std::vector<RecordedEvent> back;
  costs.time("replay", events.size(), [&] { back = must(store->events(run)); });
  costs.time("apply", events.size(), [&] {
    engine::RunState state(plan);
    for (const RecordedEvent& recorded : back) engine::apply(state, recorded);
    check(state.finished_count == size, "all tasks are done");
  });
}

/// Each changes a file of its own; nothing is mounted, what an attempt would have written lies
/// where its overlay would have put it.
void measure_commits(std::size_t size, Costs& costs) {
  const Folder folder;
  fs::create_directories(folder.at("tree"));
  snapshots::LocalSnapshots snapshots(folder.at("tree"), folder.at("state"), "r-1");
  const footprint::Footprint unknown{.reads = {}, .writes = {}, .unknown = true};
  const auto name_of = [](std::size_t i) { return engine::AttemptName{TaskId(i), 1, 0}; };
  for (std::size_t i = 0; i < size; ++i) {
    const auto opened =
        must(snapshots.open({.name = name_of(i), .footprint = &unknown, .writable = {}}));
    std::ofstream(fmt::format("{}/{}.txt", opened.sandbox.snapshot->upper, i)) << i << "\n";
  }
  for (std::size_t i = 0; i < size; ++i) {
    const auto harvest = must(snapshots.harvest(name_of(i), {}, unknown));
    check(harvest.changes.changes.size() == 1, "the harvest is what was changed");
  }
  costs.time("commit", size, [&] {
    for (std::size_t i = 0; i < size; ++i) must(snapshots.commit({name_of(i), nullptr}, "a task"));
    check(must(snapshots.checkpoint()).empty(), "nobody else changed anything");
  });
}

}  // namespace
}  // namespace interlock

int main(int argc, char** argv) {
  using namespace interlock;
  const bool as_json = bench::takes_json(argc, argv);
  const double part = argc > 1 ? std::stod(argv[1]) : 1;
  const int rounds = argc > 2 ? std::stoi(argv[2]) : 3;
  const auto scaled = [&](std::size_t size) {
    return std::max<std::size_t>(static_cast<std::size_t>(part * static_cast<double>(size)), 8);
  };
  Costs costs;
  for (int round = 0; round < rounds; ++round) {
    for (const std::size_t size : kSizes) {
      measure_plan(scaled(size), costs);
      measure_journal(scaled(size), costs);
    }
    for (const std::size_t size : kCommits) measure_commits(scaled(size), costs);
  }
  costs.print(as_json);
}
