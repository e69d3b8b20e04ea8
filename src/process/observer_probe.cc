#include "process/observer_probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "process/probe.h"

namespace interlock::process {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 2000;
/// No real attempt has this number.
constexpr std::uint32_t kNoAttempt = 0;

Result<engine::Sandbox> workspace_of(const Probe& probe, bool in_snapshot) {
  std::error_code error;
  engine::Sandbox sandbox;
  if (in_snapshot) {
    auto in_snapshot = probe.snapshot(0);
    if (!in_snapshot) return in_snapshot;
    sandbox = std::move(*in_snapshot);
  } else {
    sandbox.workspace = probe.folder() + "/ws";
    fs::create_directory(sandbox.workspace, error);
  }
  sandbox.watch = engine::Sandbox::Watch::all;
  for (const char* folder : {"/sub", "/way"})
    fs::create_directory(sandbox.workspace + folder, error);
  for (const char* file : {"/relative", "/absolute", "/sub/in_folder", "/descriptor", "/linked",
                           "/upwards", "/looked"})
    std::ofstream(sandbox.workspace + file) << "x\n";
  fs::create_symlink("linked", sandbox.workspace + "/link", error);
  return sandbox;
}

/// What of the paths was not reported; empty: all were.
std::string missing_from(const engine::Observed& observed, const std::string& workspace) {
  for (const char* path :
       {"relative", "absolute", "sub/in_folder", "descriptor", "link", "upwards", "gone/file"}) {
    if (!observed.opened.contains(workspace + "/" + path)) return path;
  }
  for (const char* path : {"looked", "gone/too"}) {
    if (!observed.looked_at.contains(workspace + "/" + path)) return path;
  }
  return "";
}

}  // namespace

Result<void> try_observer(Observer& observer, const std::string& folder, bool in_snapshot) {
  using How = TriedPath::How;
  // Paths are compared with what links of /proc say, which hold no links themselves.
  std::error_code error;
  const std::string place = fs::weakly_canonical(folder, error).string();
  auto probe = Probe::open(error ? folder : place);
  if (!probe) return std::unexpected(probe.error());
  const auto sandbox = workspace_of(*probe, in_snapshot);
  if (!sandbox) return std::unexpected(sandbox.error());
  const std::string absolute = sandbox->workspace + "/absolute";
  const std::vector<TriedPath> tried{{nullptr, "relative"},
                                     {nullptr, absolute.c_str()},
                                     {"sub", "in_folder"},
                                     {nullptr, "link"},
                                     {"way", "../upwards"},
                                     {nullptr, "gone/file"},
                                     {nullptr, "looked", How::look},
                                     {nullptr, "gone/too", How::look},
                                     {nullptr, "descriptor", How::keep_open},
                                     {nullptr, "/proc/self/fd/0"}};
  const ChildStep use{
      .act = ChildStep::Act::use_paths, .data = tried.data(), .number = tried.size()};
  const engine::AttemptName name{TaskId(std::size_t{0}), kNoAttempt, 0};
  auto childs = observer.expect(name, *sandbox);
  if (!childs) return std::unexpected(childs.error());
  auto ran = probe->run("true", *sandbox, &(*childs)->hand_over(), &use);
  childs->reset();
  pollfd ending{observer.endings(), POLLIN, 0};
  if (ran && !observer.is_over(name)) ::poll(&ending, 1, kPatienceMs);
  const engine::Observed observed = observer.observed(name);
  observer.forget(name);
  if (!ran) return ran;
  const std::string missing = missing_from(observed, sandbox->workspace);
  if (observed.complete && missing.empty()) return {};
  return fail(
      Error::Kind::refused,
      !observed.gap.empty()
          ? observed.gap
          : fmt::format("a program's calls are not reported whole: `{}` was missed", missing));
}

}  // namespace interlock::process
