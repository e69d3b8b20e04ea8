// What a private snapshot of a workspace costs: opened, entered, ten files changed in it,
// harvested, committed and folded, beside `git worktree add` (and `remove`) and `cp -a` of the same
// tree.
//
//     snapshots_bench [--json] [FILES...]        (10000 100000)
//
// All take turns for some rounds, so that a noisy machine disturbs all alike. Before each the disk
// is synced, out of the time, so that none pays for what another wrote. What is to be read are the
// ratios.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
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

#include "bench/samples.h"
#include "snapshots/files.h"
#include "snapshots/local_snapshots.h"
#include "sys/descriptor.h"

namespace interlock {
namespace {

namespace fs = std::filesystem;
constexpr int kRounds = 3;
constexpr int kFilesAFolder = 100;
constexpr int kChanged = 10;

void die(const std::string& what) {
  fmt::print(stderr, "snapshots_bench: {}\n", what);
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) die(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void shell(const std::string& command) {
  if (std::system((command + " >/dev/null").c_str()) != 0) die("failed: " + command);
}

std::string file_number(int index) {
  return fmt::format("d{:04}/f{:02}.txt", index / kFilesAFolder, index % kFilesAFolder);
}

/// A repository of small files, and room beside it; goes at the end.
class Tree {
 public:
  explicit Tree(int files) : files_(files) {
    snapshots::remove_tree(top_);
    for (int i = 0; i < files; ++i) {
      if (i % kFilesAFolder == 0)
        fs::create_directories(fs::path(at(file_number(i))).parent_path());
      std::ofstream(at(file_number(i))) << "file " << i << "\n" << std::string(200, 'x') << "\n";
    }
    shell(
        fmt::format("cd {} && git init -q . && git add -A && git -c user.name=b -c user.email=b "
                    "-c gc.auto=0 commit -qm all",
                    root()));
  }
  ~Tree() { snapshots::remove_tree(top_); }

  std::string root() const { return top_ + "/tree"; }
  std::string beside(const std::string& name) const { return top_ + "/" + name; }
  std::string at(const std::string& path) const { return root() + "/" + path; }
  /// What an agent does in its copy of the tree.
  void edit(const std::string& copy) const {
    for (int i = 0; i < kChanged; ++i)
      std::ofstream(copy + "/" + file_number(i * (files_ / kChanged)), std::ios::app) << "more\n";
  }

 private:
  int files_;
  std::string top_ =
      fmt::format("{}/snapshots_bench_{}", fs::temp_directory_path().string(), ::getpid());
};

void map_to_self(const char* file, const std::string& text) {
  const sys::Descriptor map(::open(file, O_WRONLY | O_CLOEXEC));
  if (::write(map.get(), text.data(), text.size()) < 0) ::_exit(125);
}

/// Enters the snapshot in a child, edits there and ends.
void attempt(const engine::Sandbox::Snapshot& snapshot, const Tree& tree) {
  const pid_t child = ::fork();
  if (child == 0) {
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    if (::unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(125);
    if (uid != 0) {
      map_to_self("/proc/self/setgroups", "deny");
      map_to_self("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid));
      map_to_self("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
    }
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    const std::string options =
        fmt::format("lowerdir={},upperdir={},workdir={},volatile{}", snapshot.at, snapshot.upper,
                    snapshot.work, uid == 0 ? "" : ",userxattr");
    if (::mount("overlay", snapshot.at.c_str(), "overlay", 0, options.c_str()) != 0) ::_exit(125);
    tree.edit(snapshot.at);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) die("this host mounts no overlay");
}

using Times = std::map<std::string, std::vector<double>>;

class Watch {
 public:
  explicit Watch(Times& times) : times_(times) { ::sync(); }
  /// Since the last call, under this name.
  void lap(const std::string& name) {
    const auto now = std::chrono::steady_clock::now();
    times_[name].push_back(std::chrono::duration<double, std::milli>(now - last_).count());
    last_ = std::chrono::steady_clock::now();
  }
  void skip() { last_ = std::chrono::steady_clock::now(); }

 private:
  Times& times_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void snapshot_round(const Tree& tree, int round, Times& times) {
  snapshots::LocalSnapshots snapshots(tree.root(), tree.beside("state"),
                                      fmt::format("r-{}", round));
  const engine::AttemptName name{TaskId(0), 1, 0};
  const footprint::Footprint unknown{.reads = {}, .writes = {}, .unknown = true};
  Times own;
  Watch watch(own);
  const auto opened = must(snapshots.open({.name = name, .footprint = &unknown, .writable = {}}));
  watch.lap("  open");
  attempt(*opened.sandbox.snapshot, tree);
  watch.lap("  enter, change 10 files, end");
  const auto harvest = must(snapshots.harvest(name, {}, unknown));
  if (harvest.changes.changes.size() != kChanged) die("the harvest is not what was changed");
  watch.lap("  harvest");
  must(snapshots.commit({name, nullptr}, "bench/task"));
  watch.lap("  commit");
  if (!must(snapshots.checkpoint()).empty()) die("the fold found somebody else's changes");
  watch.lap("  fold, synced");
  double whole = 0;
  for (auto& [part, values] : own) {
    whole += values.front();
    times[part].push_back(values.front());
  }
  times["a view, whole"].push_back(whole);
}

void worktree_round(const Tree& tree, Times& times) {
  const std::string copy = tree.beside("worktree");
  Watch watch(times);
  shell(fmt::format("git -C {} worktree add -q --detach {}", tree.root(), copy));
  watch.lap("git worktree add");
  tree.edit(copy);
  watch.skip();
  shell(fmt::format("git -C {} worktree remove --force {}", tree.root(), copy));
  watch.lap("git worktree remove");
}

void copy_round(const Tree& tree, Times& times) {
  const std::string copy = tree.beside("copy");
  Watch watch(times);
  shell(fmt::format("cp -a {} {}", tree.root(), copy));
  watch.lap("cp -a");
  tree.edit(copy);
  watch.skip();
  shell("rm -rf " + copy);
  watch.lap("rm -rf of the copy");
}

std::string load() {
  std::array<double, 3> averages{};
  return ::getloadavg(averages.data(), 3) < 1 ? "—" : fmt::format("{:.2f}", averages[0]);
}

constexpr const char* kParts[] = {"git worktree add",
                                  "git worktree remove",
                                  "cp -a",
                                  "rm -rf of the copy",
                                  "a view, whole",
                                  "  open",
                                  "  enter, change 10 files, end",
                                  "  harvest",
                                  "  commit",
                                  "  fold, synced"};

void compare(int files, bool as_json) {
  const Tree tree(files);
  Times times;
  const std::string before = load();
  for (int round = 0; round < kRounds; ++round) {
    snapshot_round(tree, round, times);
    worktree_round(tree, times);
    copy_round(tree, times);
  }
  if (as_json) {
    for (const char* name : kParts)
      bench::print_samples(fmt::format("{} files", files), name, "ms", times[name]);
    return;
  }
  fmt::print("{} files, {} rounds, load {} before and {} after\n", files, kRounds, before, load());
  fmt::print("{:32} {:>12} {:>12} {:>14}\n", "", "min ms", "median ms", "of a view");
  const auto median = [&](const std::string& name) {
    std::vector<double> values = times[name];
    std::ranges::sort(values);
    return values[values.size() / 2];
  };
  for (const char* name : kParts) {
    fmt::print("{:32} {:12.2f} {:12.2f} {:13.2f}x\n", name, *std::ranges::min_element(times[name]),
               median(name), median(name) / median("a view, whole"));
  }
}

}  // namespace
}  // namespace interlock

int main(int count, char** arguments) {
  const bool as_json = interlock::bench::takes_json(count, arguments);
  std::vector<int> sizes;
  for (int i = 1; i < count; ++i) sizes.push_back(std::atoi(arguments[i]));
  if (sizes.empty()) sizes = {10'000, 100'000};
  for (const int files : sizes) {
    if (files < interlock::kChanged) interlock::die("at least 10 files");
    interlock::compare(files, as_json);
  }
}
