#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/local_snapshots.h"
#include "workspace/content.h"
#include "workspace/fixture_tree.h"
#include "workspace/stack.h"

// For tests of snapshots: a workspace, a state folder, and attempts that are shell scripts.
namespace interlock::snapshots {

constexpr uid_t kSomeUser = 1001;

/// Runs `body` in a child; what it expects holds for the test as well.
inline bool in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// As `in_child`, as an ordinary user: as oneself, or for root as some other.
inline bool as_user(const std::function<void()>& body) {
  return in_child([&] {
    if (::geteuid() == 0) {
      const bool done = ::setgroups(0, nullptr) == 0 &&
                        ::setresgid(kSomeUser, kSomeUser, kSomeUser) == 0 &&
                        ::setresuid(kSomeUser, kSomeUser, kSomeUser) == 0;
      ASSERT_TRUE(done);
      ::prctl(PR_SET_DUMPABLE, 1);  // Else /proc/self stays root's, and no map can be written.
    }
    ::umask(022);
    ::setenv("HOME", "/nonexistent", 1);
    body();
  });
}

inline void write_map(const char* file, const std::string& text) {
  const workspace::Descriptor map(::open(file, O_WRONLY | O_CLOEXEC));
  if (::write(map.number(), text.data(), text.size()) < 0) ::_exit(125);
}

/// Enters an overlay as the process side does, and runs a script in it. The script's exit status;
/// 125: this host cannot.
inline int run_in(const engine::Sandbox::Snapshot& snapshot, const std::string& script) {
  const pid_t child = ::fork();
  if (child == 0) {
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    if (::unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(125);
    if (uid != 0) {
      write_map("/proc/self/setgroups", "deny");
      write_map("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid));
      write_map("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
    }
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    std::string lower;
    for (const std::string& layer : snapshot.layers) lower += layer + ":";
    const std::string options =
        fmt::format("lowerdir={}{},upperdir={},workdir={},volatile{}", lower, snapshot.at,
                    snapshot.upper, snapshot.work, uid == 0 ? "" : ",userxattr");
    if (::mount("overlay", snapshot.at.c_str(), "overlay", 0, options.c_str()) != 0 ||
        ::chdir(snapshot.at.c_str()) != 0)
      ::_exit(125);
    ::execl("/bin/sh", "sh", "-ec", script.c_str(), nullptr);
    ::_exit(126);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline bool sh(const std::string& folder, const std::string& script) {
  return std::system(
             fmt::format("cd {} && sh -ec {}", shell_quote(folder), shell_quote(script)).c_str()) ==
         0;
}

/// Everything below a folder, but for `.git`: path, kind, mode, content or target.
inline std::string listing(const std::string& root) {
  const workspace::Stack stack(root, {});
  std::string text;
  for (const std::string& path : stack.below("")) {
    const auto found = stack.look(path);
    const auto state = state_at(found->place, found->status);
    EXPECT_TRUE(state) << path;
    if (!state) continue;
    text +=
        fmt::format("{} {} {:o} {}\n", printable(path), changes::name_of(state->kind), state->mode,
                    state->kind == changes::Kind::file || state->kind == changes::Kind::link
                        ? state->digest.brief()
                        : "");
  }
  return text;
}

/// `+ path`, `- path` or `* path`, with the new kind and what is different in it.
inline std::string reported(const changes::Changeset& changes) {
  std::string text;
  for (const changes::Change& change : changes.changes) {
    const bool is_new = change.before.kind == changes::Kind::absent;
    const bool is_gone = change.after.kind == changes::Kind::absent;
    text += fmt::format("{} {} ", is_new ? "+" : is_gone ? "-" : "*", printable(change.path));
    const auto& state = is_gone ? change.before : change.after;
    if (!is_new && !is_gone && change.before.kind != change.after.kind)
      text += fmt::format("{} to ", changes::name_of(change.before.kind));
    text += changes::name_of(state.kind);
    if (!is_new && !is_gone && change.before.mode != change.after.mode)
      text += fmt::format(" mode {:o} to {:o}", change.before.mode, change.after.mode);
    text += "\n";
  }
  return text;
}

inline engine::AttemptName attempt_of(std::size_t task, std::uint32_t number = 1) {
  return {TaskId(task), number, 0};
}

class Scene {
 public:
  explicit Scene(LocalSnapshots::Options options = {})
      : snapshots_(std::in_place, tree.root(), state.root(), "r-1", options) {
    ::chmod(tree.root().c_str(), 0755);
  }

  ~Scene() {
    // As an ordinary user: overlays leave folders behind that are closed even to their owner.
    remove_tree(state.root());
    remove_tree(tree.root());
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  LocalSnapshots& snapshots() { return *snapshots_; }
  /// The dispatcher died; another one has begun.
  void restart(LocalSnapshots::Options options = {}) {
    snapshots_.emplace(tree.root(), state.root(), "r-1", options);
  }

  std::optional<engine::Snapshots::Opened> open(engine::AttemptName name,
                                                plan::Isolation isolation = plan::Isolation::view) {
    auto opened = snapshots().open(
        {.name = name, .isolation = isolation, .footprint = &nothing_known, .writable = {}});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::optional(*opened) : std::nullopt;
  }

  /// An attempt from its birth to its harvest.
  engine::Snapshots::Harvest attempt(engine::AttemptName name, const std::string& script,
                                     const engine::Observed& observed = {}) {
    const auto opened = open(name);
    if (!opened) return {};
    EXPECT_EQ(run_in(*opened->sandbox.snapshot, script), 0);
    return harvest(name, observed);
  }

  engine::Snapshots::Harvest harvest(engine::AttemptName name,
                                     const engine::Observed& observed = {}) {
    auto harvest = snapshots().harvest(name, observed, nothing_known);
    EXPECT_TRUE(harvest) << harvest.error().message;
    return harvest ? *harvest : engine::Snapshots::Harvest();
  }

  void commit(engine::AttemptName name, const std::string& title = "r-1/task") {
    const auto done = snapshots().commit({name, nullptr}, title);
    EXPECT_TRUE(done) << done.error().message;
  }

  /// The paths a checkpoint found foreign, or its error.
  std::string checkpoint() {
    const auto foreign = snapshots().checkpoint();
    if (!foreign) return foreign.error().message;
    std::string text;
    for (const std::string& path : *foreign) text += path + "\n";
    return text;
  }

  std::string read(const std::string& path) const {
    return workspace::read_file(tree.at(path), 1 << 20).value_or("nothing");
  }

  workspace::TempTree tree, state;
  footprint::Footprint nothing_known{.unknown = true};

 private:
  std::optional<LocalSnapshots> snapshots_;
};

/// Whether overlays can be mounted here, by doing it.
inline bool host_has_overlays() {
  Scene scene;
  const auto opened = scene.open(attempt_of(0));
  return opened && run_in(*opened->sandbox.snapshot, "true") == 0;
}

/// Tests that hold for root and for ordinary users alike.
class AsEither : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (is_root() && ::geteuid() != 0) GTEST_SKIP() << "not root";
  }
  /// Runs the test's body as the one it is about.
  void live(const std::function<void()>& body) {
    const bool can = host_can(is_root());
    if (!can) GTEST_SKIP() << "this host mounts no overlay for " << GetParam();
    EXPECT_TRUE(is_root() ? in_child(body) : as_user(body)) << "as " << GetParam();
  }
  static bool host_can(bool as_root) {
    const auto tried = [] {
      if (!host_has_overlays()) ::_exit(1);
    };
    return as_root ? in_child(tried) : as_user(tried);
  }
  bool is_root() const { return std::string(GetParam()) == "root"; }
};

#define INTERLOCK_AS_EITHER(suite)                                       \
  INSTANTIATE_TEST_SUITE_P(Host, suite, testing::Values("root", "user"), \
                           [](const auto& one) { return std::string(one.param); })

}  // namespace interlock::snapshots
