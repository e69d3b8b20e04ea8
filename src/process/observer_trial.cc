#include "process/observer_trial.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "process/trial.h"

namespace interlock::process {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 2000;
/// No real attempt has this number.
constexpr std::uint32_t kNoAttempt = 0;

Result<engine::Enclosure> workspace_of(const Trial& trial, bool in_picture) {
  std::error_code error;
  engine::Enclosure enclosure;
  if (in_picture) {
    auto pictured = trial.picture(0);
    if (!pictured) return pictured;
    enclosure = std::move(*pictured);
  } else {
    enclosure.workspace = trial.folder() + "/ws";
    fs::create_directory(enclosure.workspace, error);
  }
  enclosure.watch = engine::Enclosure::Watch::all;
  for (const char* folder : {"/sub", "/way"})
    fs::create_directory(enclosure.workspace + folder, error);
  for (const char* file : {"/relative", "/absolute", "/sub/in_folder", "/descriptor", "/linked",
                           "/upwards", "/looked"})
    std::ofstream(enclosure.workspace + file) << "x\n";
  fs::create_symlink("linked", enclosure.workspace + "/link", error);
  return enclosure;
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

Result<void> try_observer(Observer& observer, const std::string& folder, bool in_picture) {
  using How = TriedPath::How;
  // Paths are compared with what links of /proc say, which hold no links themselves.
  std::error_code error;
  const std::string place = fs::weakly_canonical(folder, error).string();
  auto trial = Trial::open(error ? folder : place);
  if (!trial) return std::unexpected(trial.error());
  const auto enclosure = workspace_of(*trial, in_picture);
  if (!enclosure) return std::unexpected(enclosure.error());
  const std::string absolute = enclosure->workspace + "/absolute";
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
  const Step use{.act = Step::Act::use_paths, .data = tried.data(), .number = tried.size()};
  const engine::AttemptName name{TaskId(std::size_t{0}), kNoAttempt, 0};
  auto childs = observer.expect(name, *enclosure);
  if (!childs) return std::unexpected(childs.error());
  auto ran = trial->run("true", *enclosure, &(*childs)->hand_over(), &use);
  childs->reset();
  pollfd ending{observer.endings(), POLLIN, 0};
  if (ran && !observer.is_over(name)) ::poll(&ending, 1, kPatienceMs);
  const engine::Observed observed = observer.observed(name);
  observer.forget(name);
  if (!ran) return ran;
  const std::string missing = missing_from(observed, enclosure->workspace);
  if (observed.complete && missing.empty()) return {};
  return fail(
      Error::Kind::refused,
      !observed.gap.empty()
          ? observed.gap
          : fmt::format("a program's calls are not reported whole: `{}` was missed", missing));
}

}  // namespace interlock::process
