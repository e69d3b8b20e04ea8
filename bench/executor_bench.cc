#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/gateway.h"
#include "process/clock.h"
#include "process/local_processes.h"
#include "snapshots/local_snapshots.h"
#include "worker/local_executor.h"
#include "workspace/local_workspace.h"

// How long the dispatcher is deaf while many attempts in views start at once and their changes are
// taken: with all of it done in its own turns, and with a thread for it.
namespace interlock {
namespace {

namespace fs = std::filesystem;
using Watch = std::chrono::steady_clock;

constexpr std::uint32_t kViews = 200;
constexpr int kFiles = 1000;

double milliseconds_since(Watch::time_point start) {
  return std::chrono::duration<double, std::milli>(Watch::now() - start).count();
}

/// The process host, timed: from what it reports to the next time it is asked to wait nobody hears
/// what comes in.
class TimedHost final : public engine::ProcessHost {
 public:
  explicit TimedHost(engine::ProcessHost& host) : host_(host) {}

  Result<void> spawn(const engine::SpawnSpec& spec) override { return host_.spawn(spec); }
  void stop(engine::AttemptName name, Duration grace) override { host_.stop(name, grace); }
  std::vector<engine::Report> wait(std::optional<Time> deadline) override {
    longest_ms = std::max(longest_ms, milliseconds_since(heard_));
    auto reports = host_.wait(deadline);
    heard_ = Watch::now();
    return reports;
  }
  std::optional<Time> last_output_at(engine::AttemptName name) const override {
    return host_.last_output_at(name);
  }
  std::string last_line(engine::AttemptName name) const override { return host_.last_line(name); }
  std::string take_output(engine::AttemptName name) override { return host_.take_output(name); }
  engine::Observed observed(engine::AttemptName name) const override {
    return host_.observed(name);
  }
  Result<engine::Leftovers> end_leftovers(const std::string& label,
                                          const std::optional<ProcessIdentity>& process) override {
    return host_.end_leftovers(label, process);
  }

  double longest_ms = 0;

 private:
  engine::ProcessHost& host_;
  Watch::time_point heard_ = Watch::now();
};

struct Figures {
  double longest_turn_ms = 0, all_ms = 0;
};

Figures measure(bool has_thread) {
  std::string name = (fs::temp_directory_path() / "interlock-bench-XXXXXX").string();
  const fs::path top = fs::canonical(::mkdtemp(name.data()));
  const fs::path root = top / "workspace";
  fs::create_directories(root);
  for (int i = 0; i < kFiles; ++i)
    std::ofstream(root / fmt::format("{}.txt", i)) << std::string(2000, 'x') << i;
  Figures figures;
  {
    process::SystemClock clock;
    auto host = process::LocalProcesses::open(clock);
    workspace::LocalWorkspace workspace(root, top / "state", "r-1");
    snapshots::LocalSnapshots snapshots(root, top / "state", "r-1");
    engine::NoGateway gateway;
    engine::HostEnvironment around;
    around.run = "r-1";
    around.log_folder = top / "state/logs";
    around.environment = {{"PATH", "/usr/bin:/bin"}};
    auto background = has_thread ? worker::BackgroundThread::open() : nullptr;
    TimedHost timed(**host);
    worker::LocalExecutor executor({root, around, std::move(background), [&] { (*host)->wake(); }},
                                   {timed, workspace, snapshots, gateway},
                                   [](const Digest&) { return std::string(); });
    const auto begun = Watch::now();
    for (std::uint32_t i = 0; i < kViews; ++i) {
      engine::AttemptSpec spec;
      spec.name = {TaskId(i), 1, 0};
      plan::Task& task = spec.work.emplace_back().task;
      task.id = fmt::format("t{}", i);
      task.isolation = plan::Isolation::view;
      task.footprint.unknown = true;
      task.run.shell = fmt::format("head -c 100000 /dev/zero > made-{}; sleep 1", i);
      spec.label = fmt::format("r-1/{}#1", task.id);
      spec.deadline = clock.now() + std::chrono::hours(1);
      executor.start(std::move(spec));
    }
    // As the dispatcher does: what is reported is dealt with, and then waited for again.
    for (std::uint32_t over = 0; over < kViews;) {
      const auto reports = executor.wait(clock.now() + std::chrono::minutes(5));
      for (const engine::AttemptReport& report : reports) {
        if (const auto* finished = std::get_if<engine::Finished>(&report))
          executor.collect(finished->exited.name);
        if (std::holds_alternative<engine::Collected>(report)) ++over;
        if (const auto* refused = std::get_if<engine::NotStarted>(&report)) {
          fmt::print(stderr, "not started: {}\n", refused->error.message);
          ++over;
        }
      }
    }
    figures.longest_turn_ms = timed.longest_ms;
    figures.all_ms = milliseconds_since(begun);
  }
  fs::remove_all(top);
  return figures;
}

}  // namespace
}  // namespace interlock

int main() {
  fmt::print("{} views of {} files start at once, each writes 100 KB\n", interlock::kViews,
             interlock::kFiles);
  for (const bool has_thread : {false, true}) {
    const auto figures = interlock::measure(has_thread);
    fmt::print("{:>22}: longest turn {:8.1f} ms, all of it {:8.0f} ms\n",
               has_thread ? "beside the dispatcher" : "in its own turns", figures.longest_turn_ms,
               figures.all_ms);
  }
}
