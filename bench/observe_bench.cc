// What it costs a program to be observed: CPU per open(2), its own and the observer's, under each
// kind of watch beside none at all, and beside strace that stops for such calls alone.
//
//     observe_bench [--json] [OPENS]        (50000)
//
// All take turns for some rounds. What is to be read are the differences to the first line.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/samples.h"
#include "process/clock.h"
#include "process/local_processes.h"

namespace interlock {
namespace {

using engine::Sandbox;
constexpr int kRounds = 5;

/// The observed program: opens one of two files, and looks at the other, by turns.
int open_many(int count) {
  struct stat status{};
  for (int i = 0; i < count; ++i) {
    const int file = ::open("a", O_RDONLY | O_CLOEXEC);
    if (file < 0 || ::stat("b", &status) != 0) return 1;
    ::close(file);
  }
  return 0;
}

double cpu_us() {
  double total = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    for (const timeval& time : {used.ru_utime, used.ru_stime}) {
      total += static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    }
  }
  return total;
}

struct Costs {
  std::vector<double> cpu_us, elapsed_us;  ///< Of one open and one stat, by round.
};

/// By `run`, which takes so long as it takes.
template <typename Run>
void add_cost(Costs& costs, engine::Clock& clock, int count, const Run& run) {
  const double cpu_before = cpu_us();
  const Time before = clock.now();
  run();
  const double elapsed = std::chrono::duration<double, std::micro>(clock.now() - before).count();
  costs.cpu_us.push_back((cpu_us() - cpu_before) / count);
  costs.elapsed_us.push_back(elapsed / count);
}

void attempt(process::LocalProcesses& host, const engine::SpawnSpec& spec) {
  if (auto spawned = host.spawn(spec); !spawned) {
    fmt::print(stderr, "observe_bench: {}\n", spawned.error().message);
    std::exit(1);
  }
  for (bool over = false; !over;) {
    for (const engine::Report& report : host.wait(std::nullopt)) {
      over = over || std::holds_alternative<engine::Exited>(report);
    }
  }
}

/// False where strace is not there or may not trace.
bool trace(const std::string& self, const std::string& folder, int count) {
  const std::string many = fmt::format("{}", count);
  const std::vector<std::string> words{
      "sh", "-c",
      fmt::format("cd {} && ASAN_OPTIONS=detect_leaks=0 exec strace -f --seccomp-bpf -qq -e "
                  "trace=%file -o /dev/null {} "
                  "--open {} 2>/dev/null",
                  folder, self, many)};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments.data(), environ) != 0)
    return false;
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

void print(std::string_view name, const Costs& costs, bool as_json) {
  if (as_json) {
    bench::print_samples("open and stat", name, "cpu", costs.cpu_us);
    bench::print_samples("open and stat", name, "time", costs.elapsed_us);
  } else {
    fmt::print("{:<10}{:>14.2f}{:>14.2f}\n", name, *std::ranges::min_element(costs.cpu_us),
               *std::ranges::min_element(costs.elapsed_us));
  }
}

int compare(const std::string& self, int count, bool as_json) {
  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("observe_bench_{}", ::getpid());
  std::filesystem::create_directories(folder);
  for (const char* name : {"/a", "/b"}) {
    ::close(::open((folder + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  }
  process::SystemClock clock;
  auto host = process::LocalProcesses::open(clock);
  if (!host) return 1;
  engine::SpawnSpec spec;
  spec.arguments = {self, "--open", fmt::format("{}", count)};
  spec.folder = folder;
  spec.label = "observe_bench";
  spec.log_folder = folder + "/logs";
  struct Way {
    const char* name;
    Sandbox::Watch watch;
    Costs costs;
  };
  std::vector<Way> ways{{"none", Sandbox::Watch::nothing, {}},
                        {"changes", Sandbox::Watch::changes, {}},
                        {"opens", Sandbox::Watch::opens, {}},
                        {"all", Sandbox::Watch::all, {}}};
  Costs traced;
  bool may_trace = trace(self, folder, 1);
  for (int round = 0; round < kRounds; ++round) {
    spec.name.attempt = static_cast<std::uint32_t>(round + 1);
    for (Way& way : ways) {
      spec.sandbox = Sandbox{.workspace = folder, .watch = way.watch};
      add_cost(way.costs, clock, count, [&] { attempt(**host, spec); });
    }
    if (may_trace) add_cost(traced, clock, count, [&] { may_trace = trace(self, folder, count); });
  }
  if (!as_json)
    fmt::print("{:<10}{:>14}{:>14}   (per open and stat, the least)\n", "watch", "CPU us",
               "elapsed us");
  for (const Way& way : ways) print(way.name, way.costs, as_json);
  if (may_trace) {
    print("strace", traced, as_json);
  } else if (as_json) {
    bench::print_left_out("strace", "it is not installed, or may not trace");
  }
  host->reset();
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace interlock

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--open")
    return interlock::open_many(std::atoi(argv[2]));
  const bool as_json = interlock::bench::takes_json(argc, argv);
  return interlock::compare(std::filesystem::read_symlink("/proc/self/exe"),
                            argc > 1 ? std::atoi(argv[1]) : 50'000, as_json);
}
