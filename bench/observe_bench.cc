// What it costs a program to be observed: CPU per open(2), its own and the observer's, under each
// kind of watch beside none at all.
//
//     observe_bench [OPENS]        (50000)
//
// The least of some rounds. What is to be read are the differences to the first line.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

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

struct Cost {
  double cpu_us = 1e9;
  double wall_us = 1e9;
};

Cost cost_of(process::LocalProcesses& host, engine::Clock& clock, engine::SpawnSpec spec,
             int count) {
  Cost least;
  for (int round = 0; round < kRounds; ++round) {
    spec.name.attempt = static_cast<std::uint32_t>(round + 1);
    const double cpu_before = cpu_us();
    const Time before = clock.now();
    if (auto spawned = host.spawn(spec); !spawned) {
      fmt::print(stderr, "observe_bench: {}\n", spawned.error().message);
      std::exit(1);
    }
    for (bool over = false; !over;) {
      for (const engine::Report& report : host.wait(std::nullopt)) {
        over = over || std::holds_alternative<engine::Exited>(report);
      }
    }
    const double wall = std::chrono::duration<double, std::micro>(clock.now() - before).count();
    least.cpu_us = std::min(least.cpu_us, (cpu_us() - cpu_before) / count);
    least.wall_us = std::min(least.wall_us, wall / count);
  }
  return least;
}

int compare(const std::string& self, int count) {
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
  fmt::print("{:<10}{:>14}{:>14}   (per open and stat)\n", "watch", "CPU us", "elapsed us");
  for (const auto& [name, watch] :
       {std::pair{"none", Sandbox::Watch::nothing}, std::pair{"changes", Sandbox::Watch::changes},
        std::pair{"opens", Sandbox::Watch::opens}, std::pair{"all", Sandbox::Watch::all}}) {
    spec.sandbox = Sandbox{.workspace = folder, .watch = watch};
    const Cost cost = cost_of(**host, clock, spec, count);
    fmt::print("{:<10}{:>14.2f}{:>14.2f}\n", name, cost.cpu_us, cost.wall_us);
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
  return interlock::compare(std::filesystem::read_symlink("/proc/self/exe"),
                            argc > 1 ? std::atoi(argv[1]) : 50'000);
}
