#include "process/host.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "process/cgroup_trees.h"
#include "process/landlock.h"
#include "process/observer.h"
#include "process/observer_probe.h"
#include "process/probe.h"
#include "process/proc.h"
#include "process/program.h"
#include "process/sandbox.h"

namespace interlock::process {
namespace {

std::string temporary_folder() {
  std::error_code error;
  const std::string folder = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : folder;
}

bool is_set_to(const char* setting, std::string_view value) {
  const std::string text = read_whole(std::string("/proc/sys/") + setting).value_or("");
  return text.substr(0, text.find('\n')) == value;
}

/// What usually stands in the way of namespaces, and how it is moved; empty: nothing known does.
std::string namespace_hint() {
  if (is_set_to("user/max_user_namespaces", "0")) {
    return "allow user namespaces with `sysctl user.max_user_namespaces=10000`";
  }
  if (is_set_to("kernel/unprivileged_userns_clone", "0")) {
    return "allow user namespaces with `sysctl kernel.unprivileged_userns_clone=1`";
  }
  if (is_set_to("kernel/apparmor_restrict_unprivileged_userns", "1")) {
    return "AppArmor keeps programs it does not know from user namespaces: give Interlock a "
           "profile "
           "with `userns`, or set `sysctl kernel.apparmor_restrict_unprivileged_userns=0`";
  }
  if (::access("/.dockerenv", F_OK) == 0 || ::access("/run/.containerenv", F_OK) == 0) {
    return "the container's own profile forbids it: start it with `--cap-add SYS_ADMIN "
           "--security-opt apparmor=unconfined`, or with `--security-opt seccomp=unconfined`";
  }
  return "";
}

Result<void> try_user_namespaces() {
  const int error = tried_apart([] { return ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno; });
  if (error == 0) return {};
  return fail(Error::Kind::refused,
              fmt::format("cannot make a user namespace: {}", std::strerror(error)),
              namespace_hint());
}

/// An edit in a snapshot has to land in its upper layer, and the workspace to stay as it was.
Result<void> try_snapshot(const std::string& folder, int layers) {
  auto probe = Probe::open(folder);
  if (!probe) return std::unexpected(probe.error());
  auto sandbox = probe->snapshot(layers);
  if (!sandbox) return std::unexpected(sandbox.error());
  if (auto ran = probe->run("echo x >file && mkdir folder", *sandbox); !ran) {
    Error error = ran.error();
    error.hint = namespace_hint();
    if (error.hint.empty()) {
      error.hint = fmt::format(
          "overlays need Linux 5.11 for ordinary users, and `{}` not to be on an overlay itself",
          folder);
    }
    return std::unexpected(error);
  }
  if (::access((probe->folder() + "/up/file").c_str(), F_OK) == 0 &&
      ::access((probe->folder() + "/ws/file").c_str(), F_OK) != 0) {
    return {};
  }
  return fail(Error::Kind::refused,
              fmt::format("a view in `{}` does not keep its edits apart", folder),
              "keep state on another file system");
}

Result<void> try_confinement(const std::string& folder) {
  if (landlock_abi() == 0) {
    return fail(Error::Kind::refused, "the kernel has no Landlock, or keeps it off",
                "boot Linux 5.13 or later with `landlock` in its `lsm=` list");
  }
  auto probe = Probe::open(folder);
  if (!probe) return std::unexpected(probe.error());
  engine::Sandbox sandbox;
  sandbox.workspace = probe->folder();
  sandbox.confined = true;
  return probe->run("! (echo x >file) 2>/dev/null", sandbox);
}

/// As attempts are watched: in a snapshot, where there are snapshots.
Result<void> observes(const std::string& folder, bool in_snapshot) {
  auto observer = Observer::start();
  if (!observer) return std::unexpected(observer.error());
  return try_observer(**observer, folder, in_snapshot);
}

Result<void> try_own_network(const std::string& folder) {
  auto probe = Probe::open(folder);
  if (!probe) return std::unexpected(probe.error());
  engine::Sandbox sandbox;
  sandbox.workspace = probe->folder();
  sandbox.own_network = true;
  auto ran = probe->run("true", sandbox);
  if (!ran && ran.error().hint.empty()) ran.error().hint = namespace_hint();
  return ran;
}

HostAbility ability(std::string name, const Result<void>& tried, std::string there = {}) {
  if (tried) return {std::move(name), true, std::move(there)};
  const Error& error = tried.error();
  return {std::move(name), false,
          error.hint.empty() ? error.message : error.message + "; " + error.hint};
}

Result<void> without_value(const auto& result) {
  if (result) return {};
  return std::unexpected(result.error());
}

Result<void> find_git() {
  const char* const path = std::getenv("PATH");
  return without_value(find_program("git", path == nullptr ? "/usr/bin:/bin" : path, "/"));
}

Result<void> able_to_sandbox(plan::Isolation isolation) {
  switch (isolation) {
    case plan::Isolation::direct: return {};
    case plan::Isolation::guard: return try_confinement(temporary_folder());
    case plan::Isolation::view:
      if (auto confined = try_confinement(temporary_folder()); !confined) return confined;
      return try_snapshot(temporary_folder(), 1);
    case plan::Isolation::worktree:
      if (auto confined = try_confinement(temporary_folder()); !confined) return confined;
      return find_git();
  }
  return {};
}

}  // namespace

std::vector<HostAbility> probe_host(const std::string& asked_folder) {
  const std::string folder = asked_folder.empty() ? temporary_folder() : asked_folder;
  const MountRight own = mount_right();
  std::vector<HostAbility> abilities;
  abilities.push_back(ability("user namespaces", try_user_namespaces()));
  const auto snapshots = try_snapshot(folder, 0);
  const bool has_snapshots = snapshots.has_value();
  abilities.push_back(ability("views", snapshots,
                              own.may_mount ? "mounted by our own right" : "in user namespaces"));
  abilities.push_back(ability("views in layers", try_snapshot(folder, 2)));
  abilities.push_back(
      ability("landlock", try_confinement(folder), fmt::format("edition {}", landlock_abi())));
  abilities.push_back(ability("observer", observes(folder, has_snapshots)));
  abilities.push_back(ability("cgroup trees", without_value(CgroupTrees::open())));
  abilities.push_back(ability("own network", try_own_network(folder)));
  abilities.push_back(ability("git", find_git()));
  return abilities;
}

Result<void> can_sandbox(plan::Isolation isolation) {
  static std::map<plan::Isolation, Result<void>> known;
  const auto found = known.find(isolation);
  if (found != known.end()) return found->second;
  auto able = able_to_sandbox(isolation);
  if (!able)
    able = within(able.error(), fmt::format("`{}` is not possible here", name_of(isolation)));
  return known.emplace(isolation, std::move(able)).first->second;
}

}  // namespace interlock::process
