#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "process/clock.h"
#include "process/host.h"
#include "process/local_processes.h"
#include "process/probe.h"
#include "process/proc.h"

// What the tests of enclosures share: a workspace with a place outside of it, and somebody to be.
namespace interlock::process {

/// Whom a test runs as: root, as in CI, or an ordinary user, as developers do.
enum class Who : unsigned char { root, user };

/// A host of processes, and folders for it: `ws` is the workspace, `out` is what it must keep out
/// of, `tmp` the attempt's own.
class Site {
 public:
  Site() {
    std::filesystem::remove_all(folder);
    for (const char* name : {"ws", "out", "tmp", "up", "work"}) {
      std::filesystem::create_directories(folder + "/" + name);
    }
  }
  ~Site() {
    host_.reset();
    EXPECT_EQ(own_children(), std::vector<pid_t>{});
    EXPECT_EQ(read_whole("/proc/self/mounts").value_or("").find(folder), std::string::npos);
    remove_with_overlay_work(folder, at("work"));
  }
  Site(Site&&) = delete;

  LocalProcesses& host() {
    if (!host_) {
      auto opened = LocalProcesses::open(clock, {.trees = trees, .before_answer = before_answer});
      host_ = opened ? std::move(*opened) : nullptr;
    }
    return *host_;
  }
  void close_host() { host_.reset(); }

  std::string at(const std::string& name) const { return folder + "/" + name; }
  void put(const std::string& name, const std::string& content, mode_t mode = 0644) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name)) << content;
    ::chmod(at(name).c_str(), mode);
  }
  /// What the file holds; `-` where there is none.
  std::string get(const std::string& name) const {
    std::ifstream file(at(name));
    std::ostringstream text;
    if (!file) return "-";
    text << file.rdbuf();
    return text.str();
  }

  engine::Sandbox snapshot() const {
    engine::Sandbox sandbox;
    sandbox.workspace = at("ws");
    sandbox.snapshot = {.at = at("ws"), .layers = {}, .upper = at("up"), .work = at("work")};
    sandbox.writable = {at("ws"), at("tmp")};
    return sandbox;
  }
  engine::Sandbox confined_snapshot() const {
    auto sandbox = snapshot();
    sandbox.confined = true;
    sandbox.watch = engine::Sandbox::Watch::changes;
    return sandbox;
  }
  /// No snapshot, but the workspace itself, kept to a footprint.
  engine::Sandbox guard(std::vector<std::string> reads, std::vector<std::string> writes) const {
    engine::Sandbox sandbox;
    sandbox.workspace = at("ws");
    sandbox.confined = true;
    sandbox.writable = {at("tmp")};
    sandbox.held_to = footprint::Footprint{.reads = *footprint::PatternSet::parse(reads),
                                           .writes = *footprint::PatternSet::parse(writes)};
    sandbox.watch = engine::Sandbox::Watch::opens;
    return sandbox;
  }

  engine::SpawnSpec command(std::vector<std::string> arguments, engine::Sandbox sandbox) {
    engine::SpawnSpec spec;
    spec.name = {TaskId(std::size_t{0}), ++attempts_, 0};
    spec.arguments = std::move(arguments);
    spec.environment = {{"PATH", "/usr/bin:/bin"}, {"TMPDIR", at("tmp")}};
    spec.folder = at("ws");
    spec.label = fmt::format("enclosed-{}/0#{}", ::getpid(), attempts_);
    spec.log_folder = at("logs/run");
    spec.sandbox = std::move(sandbox);
    return spec;
  }
  engine::SpawnSpec shell(const std::string& script, engine::Sandbox sandbox) {
    return command({"sh", "-c", script}, std::move(sandbox));
  }

  /// The next to end.
  engine::Exited until_exit() {
    const Time patience_ends = clock.now() + std::chrono::seconds(30);
    while (ended_.empty() && clock.now() < patience_ends) take_reports(patience_ends);
    if (ended_.empty()) {
      ADD_FAILURE() << "nothing ended in time";
      return {};
    }
    const engine::Exited next = ended_.front();
    ended_.pop_front();
    return next;
  }
  void until_said(const engine::SpawnSpec& spec, const std::string& line) {
    const Time patience_ends = clock.now() + std::chrono::seconds(30);
    while (host().last_line(spec.name) != line && clock.now() < patience_ends) {
      take_reports(clock.now() + std::chrono::milliseconds(5));
    }
  }

  /// Everything it said, or why it could not be started.
  std::string run(const engine::SpawnSpec& spec) {
    if (const auto spawned = host().spawn(spec); !spawned) {
      return spawned.error().message + "\nhint: " + spawned.error().hint;
    }
    exited = until_exit();
    observed = host().observed(spec.name);
    return host().take_output(spec.name);
  }
  std::string run(const std::string& script, engine::Sandbox sandbox) {
    return run(shell(script, std::move(sandbox)));
  }

  /// What the last run was kept from, a line each: `w out/file`; paths below the site's folder.
  std::string kept_from() const {
    std::string lines;
    for (const engine::Denied& denied : observed.denied) {
      const char* const how = denied.is_act ? "" : denied.writing ? "w " : "r ";
      lines += how + relative(denied.path) + "\n";
    }
    return lines;
  }
  std::string relative(const std::string& path) const {
    return path.starts_with(folder + "/") ? path.substr(folder.size() + 1) : path;
  }
  /// Those of the paths that lie below `ws`.
  std::set<std::string> in_workspace(const std::set<std::string>& paths) const {
    std::set<std::string> found;
    for (const std::string& path : paths) {
      if (path.starts_with(at("ws/"))) found.insert(path.substr(at("ws/").size()));
      if (path == at("ws")) found.insert(".");
    }
    return found;
  }

  SystemClock clock;
  Trees trees = Trees::automatic;
  std::function<void()> before_answer;
  const std::string folder = fmt::format("/tmp/interlock_enclosed_{}", ::getpid());
  engine::Exited exited;
  engine::Observed observed;
  std::string not_here;  ///< Why the test says nothing on this host; set by it.

 private:
  void take_reports(Time until) {
    for (const engine::Report& report : host().wait(until)) {
      if (const auto* over = std::get_if<engine::Exited>(&report)) ended_.push_back(*over);
    }
  }

  std::uint32_t attempts_ = 0;
  std::deque<engine::Exited> ended_;
  std::unique_ptr<LocalProcesses> host_;
};

class Sandboxed : public testing::TestWithParam<Who> {
 protected:
  /// Runs the test in a process of its own, as whom it is for. Skips it where that is not possible
  /// here, or the isolation is not.
  void at_site(plan::Isolation needed, const std::function<void(Site&)>& body) {
    if (GetParam() == Who::root && ::geteuid() != 0) GTEST_SKIP() << "this is not root";
    constexpr int kSkipped = 77;
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr uid_t kSomebody = 1001;
      if (GetParam() == Who::user && ::geteuid() == 0) {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(kSomebody, kSomebody, kSomebody) != 0 ||
            ::setresuid(kSomebody, kSomebody, kSomebody) != 0) {
          ::_exit(kSkipped);
        }
        // Else /proc/self would still be root's.
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
      }
      if (const auto able = can_sandbox(needed); !able) {
        fmt::print("{}\n", able.error().message);
        std::fflush(nullptr);
        ::_exit(kSkipped);
      }
      std::string not_here;
      {
        Site site;
        body(site);
        not_here = site.not_here;
      }
      fmt::print("{}", not_here.empty() ? "" : not_here + "\n");
      std::fflush(nullptr);
      ::_exit(HasFailure() ? 1 : not_here.empty() ? 0 : kSkipped);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string folder = fmt::format("/tmp/interlock_enclosed_{}", child);
    EXPECT_FALSE(std::filesystem::exists(folder));
    std::filesystem::remove_all(folder);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << "see above";
    EXPECT_EQ(status, 0) << "see what was printed above";
  }
};

}  // namespace interlock::process
