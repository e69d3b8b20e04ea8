// How many no-op processes a second go through LocalProcesses, beside a bare posix_spawn loop and
// the usual tools.
//
//     spawn_bench [COUNT]        (10000)
//
// Every rate is the best of some rounds, in which all take turns, so that a noisy machine disturbs
// all alike. What is to be read are the ratios to the bare loop.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "process/clock.h"
#include "process/local_processes.h"

extern char** environ;

namespace interlock {
namespace {

using Program = std::string;
constexpr int kRounds = 3;

void die(const std::string& what) {
  fmt::print(stderr, "spawn_bench: {}\n", what);
  std::exit(1);
}

struct Method {
  std::string name;
  std::function<void(const Program&, int count, int in_flight)> run;
};

/// The least one can do: no streams, no tree, no log. With `sessions`, each process is given one of
/// its own, as any dispatcher must; where the kernel schedules by session
/// (sched_autogroup_enabled), that alone costs.
void bare_loop(bool sessions, const Program& program, int count, int in_flight) {
  char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, sessions ? POSIX_SPAWN_SETSID : 0);
  int running = 0;
  for (int started = 0; started < count || running > 0;) {
    if (started < count && running < in_flight) {
      pid_t pid = 0;
      if (::posix_spawn(&pid, program.c_str(), nullptr, &attributes, arguments, environ) != 0)
        die("posix_spawn failed");
      ++started;
      ++running;
    } else if (::waitpid(-1, nullptr, 0) > 0) {
      --running;
    }
  }
  ::posix_spawnattr_destroy(&attributes);
}

void local_processes(process::Trees trees, const Program& program, int count, int in_flight) {
  process::SystemClock clock;
  auto host = process::LocalProcesses::open(clock, {.trees = trees});
  if (!host) die(host.error().message);
  engine::SpawnSpec spec;
  spec.arguments = {program};
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/root"}, {"LANG", "C.UTF-8"}};
  spec.folder = "/tmp";
  spec.log_folder = "/tmp/spawn_bench_logs";
  int running = 0;
  for (int started = 0; started < count || running > 0;) {
    while (started < count && running < in_flight) {
      spec.name.task = TaskId(started);
      spec.label = fmt::format("bench/noop-{}#1", started);
      if (const auto spawned = (*host)->spawn(spec); !spawned) die(spawned.error().message);
      ++started;
      ++running;
    }
    for (const auto& report : (*host)->wait(std::nullopt)) {
      if (const auto* exited = std::get_if<engine::Exited>(&report)) {
        (*host)->take_output(exited->name);
        --running;
      }
    }
  }
}

/// Runs a shell command and insists that it succeeds.
void shell(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) die("failed: " + command);
}

bool installed(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null").c_str()) == 0;
}

class Folder {
 public:
  Folder() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ + "/" + name) << content;
    return path_ + "/" + name;
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = fmt::format("/tmp/spawn_bench_{}", ::getpid());
};

void with_make(const Folder& folder, const Program& program, int count, int in_flight) {
  std::string rules = ".PHONY: all\nall:";
  for (int i = 0; i < count; ++i) rules += fmt::format(" t{}", i);
  rules += "\n";
  for (int i = 0; i < count; ++i) rules += fmt::format(".PHONY: t{0}\nt{0}:\n\t@{1}\n", i, program);
  shell(fmt::format("make -j{} -f {}", in_flight, folder.write("Makefile", rules)));
}

void with_ninja(const Folder& folder, const Program& program, int count, int in_flight) {
  std::string rules =
      fmt::format("builddir = {}\nrule run\n  command = {}\n", folder.file("ninja"), program);
  for (int i = 0; i < count; ++i) rules += fmt::format("build t{}: run\n", i);
  shell(fmt::format("ninja --quiet -j{} -f {}", in_flight, folder.write("build.ninja", rules)));
}

void with_xargs(const Program& program, int count, int in_flight) {
  shell(fmt::format("seq {} | xargs -P{} -n1 {}", count, in_flight, program));
}

void with_parallel(const Program& program, int count, int in_flight) {
  shell(fmt::format("seq {} | parallel -j{} {}", count, in_flight, program));
}

std::vector<Method> methods(const Folder& folder) {
  std::vector<Method> all{{"bare posix_spawn loop", std::bind_front(bare_loop, false)},
                          {"bare, with sessions", std::bind_front(bare_loop, true)}};
  process::SystemClock clock;
  if (process::LocalProcesses::open(clock, {.trees = process::Trees::cgroup})) {
    all.push_back({"interlock, cgroups", std::bind_front(local_processes, process::Trees::cgroup)});
  }
  all.push_back({"interlock, walking", std::bind_front(local_processes, process::Trees::walk)});
  if (installed("xargs")) all.push_back({"xargs -P", with_xargs});
  if (installed("make")) all.push_back({"make -j", std::bind_front(with_make, std::cref(folder))});
  if (installed("ninja"))
    all.push_back({"ninja -j", std::bind_front(with_ninja, std::cref(folder))});
  if (installed("parallel")) all.push_back({"parallel -j", with_parallel});
  return all;
}

/// Processor time of this process itself, without its children.
double own_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void compare(const std::vector<Method>& all, const Program& program, int count, int in_flight) {
  struct Best {
    double elapsed = 1e9;
    double own = 1e9;
  };
  std::vector<Best> best(all.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double own_before = own_seconds();
      const auto start = std::chrono::steady_clock::now();
      all[i].run(program, count, in_flight);
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      best[i].elapsed = std::min(best[i].elapsed, elapsed.count());
      best[i].own = std::min(best[i].own, own_seconds() - own_before);
    }
  }
  fmt::print("\n{} x {}, {} in flight\n{:<24} {:>10} {:>8} {:>16}\n", count, program, in_flight, "",
             "per second", "ratio", "own us a process");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_own = i < 2 || all[i].name.starts_with("interlock");
    fmt::print("{:<24} {:>10.0f} {:>8.2f} {:>16}\n", all[i].name, count / best[i].elapsed,
               best[0].elapsed / best[i].elapsed,
               is_own ? fmt::format("{:.0f}", best[i].own / count * 1e6) : "");
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace interlock

int main(int argc, char** argv) {
  using namespace interlock;
  const int count = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const Folder folder;
  const Program noop = folder.file("noop");
  shell(fmt::format("cc -O1 -static -o {} {}", noop,
                    folder.write("noop.c", "int main(void) { return 0; }\n")));
  const auto all = methods(folder);
  for (const Program& program : {noop, Program("/bin/true")}) {
    for (const int in_flight : {8, 2}) compare(all, program, count, in_flight);
  }
}
