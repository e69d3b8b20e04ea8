#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "process/clock.h"
#include "process/local_processes.h"
#include "process/log_file.h"
#include "sys/descriptor.h"
#include "sys/proc.h"
#include "sys/process_identity.h"

// What only real processes can do wrong: hide, hold on, flood, and be missing.
namespace interlock::process {
namespace {

using engine::AttemptName;
using engine::Exited;
using engine::SpawnSpec;
using namespace std::chrono_literals;

/// Gone from its parent, its session and its environment, without a stream, and deaf to TERM. The
/// file `up` says that it is all that.
constexpr const char* kDaemon =
    "(env -i setsid sh -c 'trap \"\" TERM; >up; sleep 1000 & wait' </dev/null >/dev/null 2>&1 &)\n"
    "until [ -e up ]; do sleep 0.01; done\n";

std::vector<std::string> cgroups_of_this_process() {
  std::vector<std::string> found;
  std::error_code error;
  const std::string prefix = fmt::format("interlock-{}-", ::getpid());
  for (auto at = std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", error);
       !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().filename().string().starts_with(prefix)) found.push_back(at->path().string());
  }
  return found;
}

class RealProcesses : public testing::TestWithParam<Trees> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    ::getrlimit(RLIMIT_NOFILE, &files_before_);
    auto host = LocalProcesses::open(
        clock_, {.trees = GetParam(), .streams_patience = 50ms, .log_bytes_max = 4u << 20});
    if (!host) GTEST_SKIP() << "this host has no cgroup v2 to write to: " << host.error().message;
    host_ = std::move(*host);
  }

  void TearDown() override {
    host_.reset();
    EXPECT_EQ(sys::own_children(), std::vector<pid_t>{});
    EXPECT_EQ(cgroups_of_this_process(), std::vector<std::string>{});
    std::filesystem::remove_all(folder_);
  }

  SpawnSpec command(std::vector<std::string> arguments, std::size_t task = 0) {
    SpawnSpec spec;
    spec.name = {TaskId(task), 1, 0};
    spec.arguments = std::move(arguments);
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.folder = folder_;
    spec.label = fmt::format("real-{}/{}#1", ::getpid(), task);
    spec.log_folder = folder_ + "/logs/run";
    return spec;
  }
  SpawnSpec shell(const std::string& script, std::size_t task = 0) {
    return command({"sh", "-c", script}, task);
  }

  void spawn(const SpawnSpec& spec) {
    const auto spawned = host_->spawn(spec);
    ASSERT_TRUE(spawned) << spawned.error().message;
  }

  /// The next attempt to end.
  Exited next_exit() {
    const Time patience_ends = clock_.now() + 60s;
    while (clock_.now() < patience_ends) {
      for (const engine::Report& report : host_->wait(patience_ends)) {
        if (const auto* spawned = std::get_if<engine::Spawned>(&report))
          process_ = spawned->process;
        if (const auto* exited = std::get_if<Exited>(&report)) return *exited;
      }
    }
    ADD_FAILURE() << "nothing ended in time";
    return {};
  }
  Exited run(const SpawnSpec& spec) {
    spawn(spec);
    return next_exit();
  }
  std::string output(std::size_t task = 0) { return host_->take_output({TaskId(task), 1, 0}); }

  std::string refusal(const SpawnSpec& spec) {
    const auto spawned = host_->spawn(spec);
    if (spawned) return "none";
    return spawned.error().message +
           (spawned.error().hint.empty() ? "" : "\nhint: " + spawned.error().hint);
  }

  void until_said(const std::string& line, std::size_t task = 0) {
    const Time patience_ends = clock_.now() + 60s;
    while (host_->last_line({TaskId(task), 1, 0}) != line && clock_.now() < patience_ends) {
      for (const engine::Report& report : host_->wait(clock_.now() + 5ms)) {
        if (const auto* spawned = std::get_if<engine::Spawned>(&report))
          process_ = spawned->process;
      }
    }
  }

  std::string write_file(const std::string& name, const std::string& content, mode_t mode) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }

  SystemClock clock_;
  std::string folder_ = fmt::format("{}process_real_{}", testing::TempDir(), ::getpid());
  std::unique_ptr<LocalProcesses> host_;
  ProcessIdentity process_;  ///< The last that was reported.
  rlimit files_before_{};
};

TEST_P(RealProcesses, APerfectlyHiddenDaemonIsEndedWithItsAttempt) {
  const Exited exited = run(shell(kDaemon));
  EXPECT_EQ(exited.exit_code, 0);
  EXPECT_GE(exited.strays, 1u);
}

TEST_P(RealProcesses, AHiddenDaemonIsItsOwnAttemptsStrayWhileOthersRun) {
  spawn(shell("read line; exit 0", 0));  // Ends at once: its input is empty.
  spawn(shell("sleep 1000", 1));
  spawn(shell(kDaemon, 2));
  std::uint32_t strays[3] = {};
  for (int ended = 0; ended < 2; ++ended) {
    const Exited exited = next_exit();
    strays[exited.name.task.index()] = exited.strays;
  }
  EXPECT_EQ(strays[0], 0u);
  EXPECT_GE(strays[2], 1u);
  host_->stop({TaskId(1), 1, 0}, 1h);
  EXPECT_EQ(next_exit().signal, SIGTERM);
}

TEST_P(RealProcesses, WhatItTookOfTheMachineIsThatOfItsWholeTree) {
  // `tail` keeps a line without an end whole; the shell itself has next to nothing.
  const Exited large = run(shell("head -c 400000000 /dev/zero | tail | wc -c"));
  EXPECT_GE(large.memory_peak_bytes.value_or(0), 300'000'000);
  EXPECT_LT(large.memory_peak_bytes.value_or(0), 4'000'000'000);
  const Exited busy = run(shell("(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); exit 0"));
  EXPECT_GT(busy.cpu_time.value_or(0s), 10ms) << "of the subshell";
  const Exited small = run(shell("true"));
  EXPECT_FALSE(small.memory_peak_bytes) << "no more than this process has says nothing";
}

TEST_P(RealProcesses, AGrandchildHoldingTheOutputDoesNotHoldUpTheEnd) {
  const Exited exited = run(shell("sleep 1000 & echo done"));
  EXPECT_EQ(exited.strays, 1u);
  EXPECT_EQ(output(), "done\n");
}

TEST_P(RealProcesses, AStrangerHoldingTheOutputHoldsUpTheEndOnlyForAWhile) {
  spawn(shell("echo ready; sleep 1000"));
  until_said("ready");
  const sys::Descriptor held(
      ::open(fmt::format("/proc/{}/fd/1", process_.pid).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(held);
  host_->stop({TaskId(0), 1, 0}, 0s);
  EXPECT_EQ(next_exit().strays, 0u);
  EXPECT_EQ(output(), "ready\n");
}

TEST_P(RealProcesses, StopReachesTheWholeTreeAndKillsTheDeafPart) {
  spawn(shell(std::string(kDaemon) + "echo ready; sleep 1000"));
  until_said("ready");
  host_->stop({TaskId(0), 1, 0}, 20ms);
  const Exited exited = next_exit();
  EXPECT_EQ(exited.signal, SIGTERM);
  EXPECT_GE(exited.strays, 1u);
}

TEST_P(RealProcesses, WhatEndsWithinTheGraceOfAStopIsNoStray) {
  spawn(shell("(trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done) & wait"));
  until_said("ready");
  host_->stop({TaskId(0), 1, 0}, 1h);
  EXPECT_EQ(next_exit().strays, 0u);
}

TEST_P(RealProcesses, AFloodIsKilledInTheMiddle) {
  auto flood = command({"yes"});
  flood.output_bytes_max = 1000;
  spawn(flood);
  until_said("y");
  host_->stop({TaskId(0), 1, 0}, 0s);
  EXPECT_TRUE(next_exit().output_cut);
  EXPECT_EQ(output().size(), 1000u);
}

TEST_P(RealProcesses, AMegabyteOfInputArrivesWhole) {
  auto count = command({"wc", "-c"});
  count.standard_input = std::string(1 << 20, 'x');
  run(count);
  EXPECT_EQ(output(), "1048576\n");
}

TEST_P(RealProcesses, InputNobodyReadsIsNoError) {
  auto deaf = command({"true"});
  deaf.standard_input = std::string(1 << 20, 'x');
  EXPECT_EQ(run(deaf).exit_code, 0);
}

TEST_P(RealProcesses, TwentyMegabytesOfOutputAreKeptToTheLimit) {
  auto flood = shell("head -c 20000000 /dev/zero | tr '\\0' 'x'");
  flood.output_bytes_max = 1'000'000;
  const Exited exited = run(flood);
  EXPECT_EQ(exited.exit_code, 0);
  EXPECT_TRUE(exited.output_cut);
  EXPECT_EQ(output(), std::string(1'000'000, 'x'));
}

TEST_P(RealProcesses, WhatCannotBeExecutedIsSaidAtOnce) {
  write_file("plain", "echo hi\n", 0644);
  write_file("bare", "echo hi\n", 0755);
  write_file("orphan", "#!/no/such/interpreter\n", 0755);
  EXPECT_EQ(refusal(command({"no-such-program"})),
            "cannot execute `no-such-program`: not found in PATH\nhint: install it, or give its "
            "whole path");
  EXPECT_EQ(refusal(command({"./missing"})),
            "cannot execute `./missing`: no such file in `" + folder_ + "`");
  EXPECT_EQ(refusal(command({"./plain"})),
            "cannot execute `./plain`: `./plain` is not an executable file\n"
            "hint: make it executable with `chmod +x ./plain`, or name its interpreter");
  EXPECT_EQ(refusal(command({"./bare"})),
            "cannot execute `./bare`: neither a program nor a script with a `#!` line\n"
            "hint: start it with a line such as `#!/bin/sh`, or run it as `sh ./bare`");
  EXPECT_EQ(refusal(command({"./orphan"})),
            "cannot execute `./orphan`: its interpreter does not exist\nhint: look at its `#!` "
            "line, or at `ldd` of it");
  EXPECT_EQ(refusal(command({"true", std::string(200'000, 'x')})),
            "cannot execute `true`: the arguments are too long for the system\n"
            "hint: give the prompt on standard input or in a file");
  auto nowhere = command({"true"});
  nowhere.folder = "/no/such/folder";
  EXPECT_EQ(refusal(nowhere),
            "cannot start `true` in the folder `/no/such/folder`: No such file or directory");
}

TEST_P(RealProcesses, AProcessStartsWithACleanSlate) {
  auto look = shell(
      "pwd; env | sort; ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status; ulimit "
      "-Sn");
  look.environment["ONLY"] = "this";
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  run(look);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  std::string printed = output();
  // Signals 32 and 33 are the C library's own; who started this test with them ignored cannot be
  // undone through it.
  constexpr std::string_view kLibrarysOwn = "SigIgn:\t0000000180000000";
  if (const auto at = printed.find(kLibrarysOwn); at != std::string::npos) {
    printed.replace(at, kLibrarysOwn.size(), "SigIgn:\t0000000000000000");
  }
  EXPECT_EQ(printed, fmt::format("{0}\n"
                                 "INTERLOCK_ATTEMPT={1}\n"
                                 "ONLY=this\n"
                                 "PATH=/usr/bin:/bin\n"
                                 "PWD={0}\n"
                                 "4\n"  // The three streams, and the folder that ls reads.
                                 "SigBlk:\t0000000000000000\n"
                                 "SigIgn:\t0000000000000000\n"
                                 "{2}\n",
                                 folder_, look.label, files_before_.rlim_cur));
}

TEST_P(RealProcesses, TheProcessToldIsTheProcessThatRuns) {
  spawn(shell("echo ready; sleep 1000"));
  const auto reports = host_->wait(std::nullopt);
  ASSERT_EQ(reports.size(), 1u);
  const auto& spawned = std::get<engine::Spawned>(reports[0]);
  EXPECT_EQ(sys::identity_of(static_cast<pid_t>(spawned.process.pid)), spawned.process);
  EXPECT_TRUE(sys::is_alive(spawned.process));
  host_->stop(spawned.name, 0s);
  next_exit();
  EXPECT_FALSE(sys::is_alive(spawned.process));
}

TEST_P(RealProcesses, SignalsToThisProcessAreReports) {
  ::raise(SIGUSR1);
  auto reports = host_->wait(clock_.now() + 10s);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<engine::Poked>(reports[0]));
  ::raise(SIGTERM);
  reports = host_->wait(clock_.now() + 10s);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(std::get<engine::Interrupted>(reports[0]).signal, SIGTERM);
}

TEST_P(RealProcesses, TheLogHoldsBothStreamsAndASilentProcessLeavesNone) {
  run(shell("echo one; echo two >&2; printf three", 0));
  run(command({"true"}, 1));
  const auto logs = logs_in(folder_ + "/logs/run");
  ASSERT_EQ(logs.size(), 1u);
  auto reader = LogReader::open(logs[0].path);
  ASSERT_TRUE(reader);
  std::string told;
  for (const auto& lines : {reader->next(), reader->unfinished()}) {
    for (const LogLine& line : lines)
      told += (line.stream == Stream::error ? "e " : "o ") + line.text + "\n";
  }
  EXPECT_EQ(told, "o one\ne two\no three\n");
}

TEST_P(RealProcesses, TheEndOfTheHostIsTheEndOfAllItStarted) {
  spawn(shell(std::string(kDaemon) + "trap '' TERM; echo ready; sleep 1000", 0));
  spawn(shell("sleep 1000 & echo ready; wait", 1));
  until_said("ready", 0);
  until_said("ready", 1);
  host_.reset();
  EXPECT_EQ(sys::own_children(), std::vector<pid_t>{});
}

/// Lets a dispatcher start this in a process of its own and die by SIGKILL; returns the root's
/// identity.
ProcessIdentity left_by_a_dead_dispatcher(Trees trees, SpawnSpec spec) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t dispatcher = ::fork();
  if (dispatcher == 0) {
    SystemClock clock;
    auto host = LocalProcesses::open(clock, {.trees = trees});
    if (!host || !(*host)->spawn(spec)) ::_exit(1);
    const auto process = std::get<engine::Spawned>((*host)->wait(std::nullopt).at(0)).process;
    while ((*host)->last_line(spec.name) != "ready") (*host)->wait(clock.now() + 5ms);
    const std::int64_t told[2] = {process.pid, process.start_ticks};
    if (::write(ends[1], told, sizeof told) != sizeof told) ::_exit(1);
    for (;;) (*host)->wait(std::nullopt);
  }
  std::int64_t told[2] = {};
  EXPECT_EQ(::read(ends[0], told, sizeof told), static_cast<ssize_t>(sizeof told));
  ::kill(dispatcher, SIGKILL);
  ::waitpid(dispatcher, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return {sys::boot_id(), told[0], told[1]};
}

TEST_P(RealProcesses, LeftoversAreFoundByTheirLabelAlone) {
  const auto spec = shell("setsid sleep 1000 & echo ready; wait");
  left_by_a_dead_dispatcher(GetParam(), spec);
  const auto ended = host_->end_leftovers(spec.label, std::nullopt);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_GE(ended->ended, 1u);
  EXPECT_EQ(host_->end_leftovers(spec.label, std::nullopt)->ended, 0u);
}

TEST_P(RealProcesses, LeftoversAreFoundByTheSessionOfTheirRoot) {
  const auto spec = shell("env -i sleep 1000 & echo ready; wait");
  const auto process = left_by_a_dead_dispatcher(GetParam(), spec);
  const auto ended = host_->end_leftovers("another label", process);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_GE(ended->ended, 1u);
}

TEST_P(RealProcesses, HiddenLeftoversAreFoundToo) {
  const auto spec = shell(std::string(kDaemon) + "echo ready; sleep 1000");
  const auto process = left_by_a_dead_dispatcher(GetParam(), spec);
  const auto ended = host_->end_leftovers(spec.label, process);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_GE(ended->ended, 1u);
}

/// Sheds all that tells whose it is: environment, session and brand.
constexpr const char* kNameless =
    "(env -i setsid prlimit --rttime=1000000000 sh -c '>up; sleep 1000 & wait' </dev/null "
    ">/dev/null 2>&1 &)\nuntil [ -e up ]; do sleep 0.01; done\n";

TEST_P(RealProcesses, WhatShedAllItsNamesInADeadDispatchersCgroupIsFoundByItsRun) {
  if (GetParam() == Trees::walk) GTEST_SKIP() << "without cgroups nothing tells whose it is";
  const auto spec = shell(std::string(kNameless) + "echo ready; sleep 1000");
  left_by_a_dead_dispatcher(GetParam(), spec);
  const auto others = host_->end_leftovers("another run/0#1", std::nullopt);
  ASSERT_TRUE(others) << others.error().message;
  EXPECT_EQ(others->ended, 0u);
  const std::string run = spec.label.substr(0, spec.label.find('/'));
  const auto ended = host_->end_leftovers(run + "/another#1", std::nullopt);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_GE(ended->ended, 1u);
}

TEST_P(RealProcesses, WhatMovesToAnotherCgroupIsEndedAllTheSame) {
  if (GetParam() == Trees::walk || ::geteuid() != 0) GTEST_SKIP() << "it needs cgroups, and root";
  const std::string parent =
      std::filesystem::path(cgroups_of_this_process().front()).parent_path().string();
  const std::string other = fmt::format("{}/elsewhere-{}", parent, ::getpid());
  ASSERT_TRUE(std::filesystem::create_directory(other));
  const Exited exited = run(shell("(env -i setsid sh -c 'echo $$ >" + other +
                                  "/cgroup.procs; >up; sleep 1000 & wait' </dev/null >/dev/null "
                                  "2>&1 &)\nuntil [ -e up ]; do sleep 0.01; done"));
  EXPECT_GE(exited.strays, 1u);
  host_.reset();
  EXPECT_EQ(sys::own_children(), std::vector<pid_t>{});
  EXPECT_EQ(::rmdir(other.c_str()), 0) << "somebody still sits in it";
}

TEST_P(RealProcesses, AChainOfForksIsNotAheadOfEveryLook) {
  write_file("chain", "echo x >>links\nsleep 0.01\nenv -i setsid sh chain </dev/null &\n", 0755);
  spawn(
      shell("env -i setsid sh chain </dev/null >/dev/null 2>&1 &\n"
            "until [ \"$(wc -l <links)\" -ge 3 ] 2>/dev/null; do sleep 0.01; done"));
  EXPECT_GE(next_exit().strays, 1u);
  host_.reset();
  EXPECT_EQ(sys::own_children(), std::vector<pid_t>{});
}

TEST_P(RealProcesses, ANamespaceOfProcessNumbersIsNoHidingPlace) {
  if (::geteuid() != 0) GTEST_SKIP() << "it takes root, or a user namespace";
  const Exited exited = run(
      shell("(env -i setsid unshare -pf sh -c 'trap \"\" TERM; >up; sleep 1000 & wait' </dev/null "
            ">/dev/null 2>&1 &)\nuntil [ -e up ]; do sleep 0.01; done"));
  EXPECT_GE(exited.strays, 1u);
}

TEST_P(RealProcesses, ALineIsToldWithoutItsEndAndNoLongerThanIsAllowed) {
  SpawnSpec spec = command({"sh", "-c", "printf 'short\\n%s\\nlast' far-too-long"});
  spec.report_lines = true;
  spec.output_bytes_max = 7;
  ASSERT_TRUE(host_->spawn(spec));
  std::vector<std::string> lines;
  std::optional<Exited> exited;
  while (!exited) {
    for (const engine::Report& report : host_->wait(clock_.now() + 60s)) {
      if (const auto* printed = std::get_if<engine::Printed>(&report))
        lines.insert(lines.end(), printed->lines.begin(), printed->lines.end());
      if (const auto* over = std::get_if<Exited>(&report)) exited = *over;
    }
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"short", "far-too", "last"}));
  EXPECT_TRUE(exited->output_cut);
}

TEST_P(RealProcesses, AnotherThreadCanHaveWaitReturn) {
  std::thread other([this] { host_->poke(); });
  const auto reports = host_->wait(clock_.now() + 60s);
  other.join();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<engine::Poked>(reports[0]));
}

INSTANTIATE_TEST_SUITE_P(Trees, RealProcesses, testing::Values(Trees::cgroup, Trees::walk),
                         [](const auto& trees) {
                           return trees.param == Trees::cgroup ? "cgroup" : "walk";
                         });

}  // namespace
}  // namespace interlock::process
