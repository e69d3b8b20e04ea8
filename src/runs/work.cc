#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include "engine/host_environment.h"
#include "process/clock.h"
#include "process/log_file.h"
#include "runs/isolation.h"
#include "runs/learning.h"
#include "runs/run_models.h"
#include "runs/workers.h"
#include "snapshots/files.h"
#include "snapshots/job_place.h"
#include "worker/job_runner.h"
#include "workspace/own_places.h"

// A worker's side.
namespace interlock::runs {

namespace fs = std::filesystem;

namespace {

constexpr Duration kRound = std::chrono::milliseconds(200);

std::string places_of(const StorePlace& place) { return place.state_folder + "/worker"; }

/// What workers that were killed left.
void sweep(const StorePlace& place) {
  std::error_code trouble;
  std::vector<std::string> dead;
  for (const auto& entry : fs::directory_iterator(places_of(place), trouble)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH)
      dead.push_back(entry.path().string());
  }
  for (const std::string& folder : dead) snapshots::remove_tree(folder);
}

Result<void> run_slot(const StorePlace& place, const WorkerRequest& request, std::uint32_t slot,
                      const std::function<void(const std::string&)>& say) {
  const std::string folder = fmt::format("{}/{}-{}", places_of(place), ::getpid(), slot);
  if (auto made = snapshots::make_folders(folder); !made) return made;
  if (auto apart = snapshots::enter_own_mounts(); !apart) return apart;
  const std::string probe = folder + "/probe";
  if (auto made = snapshots::make_folders(probe); !made) return made;
  if (auto able = can_isolate(plan::Isolation::view, probe, place.state_folder); !able)
    return within(able.error(), "a worker gives each attempt a view");
  process::SystemClock clock;
  const std::string id = fmt::format("{}:{}/{}", host_name(), ::getpid(), slot);
  const auto source = postgres::PostgresWorker::open(
      place.store, {id, host_name(), request.version, request.labels, clock.now()});
  if (!source) return std::unexpected(source.error());
  // Where attempts of this user find their own folders, as long as it is there for somebody.
  const auto own_place = workspace::SharedPlace::hold(
      {std::string(engine::kAttemptPlace), std::string(engine::kHomePlace)});
  auto processes = process::LocalProcesses::open(clock);
  if (!processes) return std::unexpected(processes.error());
  snapshots::MountedPlace where(folder, process::log_file_name);
  worker::JobRunner::Options options;
  options.environment = own_environment();
  options.uptime = [] {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return Duration(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
  };
  options.on_job = [&](const std::string& what) { say(fmt::format("worker {}: {}", id, what)); };
  say(fmt::format("worker {}: waits for jobs", id));
  worker::JobRunner runner(**processes, **source, where, clock, std::move(options));
  while (runner.step(kRound)) {
  }
  return {};
}

/// Of a slot that is a process of its own.
[[noreturn]] void be_slot(const StorePlace& place, const WorkerRequest& request, std::uint32_t slot,
                          const std::function<void(const std::string&)>& say) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto ended = run_slot(place, request, slot, say);
  if (!ended) say(fmt::format("error: {}", ended.error().message));
  ::_exit(ended ? 0 : 1);
}

Result<void> is_on_a_server(const StorePlace& place) {
  if (!place.store.empty()) return {};
  return fail(Error::Kind::invalid, "workers take jobs from a store on a server",
              "give `--store postgres://USER@HOST/DATABASE`");
}

}  // namespace

Result<std::vector<postgres::WorkerStatus>> living_workers(const StorePlace& place) {
  if (auto reached = is_on_a_server(place); !reached) return std::unexpected(reached.error());
  return postgres::list_workers(place.store);
}

Result<void> work(const StorePlace& place, const WorkerRequest& request,
                  const std::function<void(const std::string&)>& say) {
  if (auto reached = is_on_a_server(place); !reached) return reached;
  sweep(place);
  if (request.slots == 1) return run_slot(place, request, 1, say);
  sigset_t handled;
  ::sigemptyset(&handled);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&handled, signal);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &handled, &before);
  std::set<pid_t> slots;
  for (std::uint32_t slot = 1; slot <= request.slots; ++slot) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::sigprocmask(SIG_SETMASK, &before, nullptr);
      be_slot(place, request, slot, say);
    }
    if (child > 0) slots.insert(child);
  }
  bool all_well = slots.size() == request.slots;
  while (!slots.empty()) {
    int signal = 0;
    if (::sigwait(&handled, &signal) != 0) continue;
    if (signal != SIGCHLD) {
      for (const pid_t slot : slots) ::kill(slot, SIGTERM);
      continue;
    }
    int status = 0;
    for (pid_t gone = 0; (gone = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      slots.erase(gone);
      all_well = all_well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
  }
  if (all_well) return {};
  return fail(Error::Kind::io, "not all slots of this worker came to a good end");
}

}  // namespace interlock::runs
