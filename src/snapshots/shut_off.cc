#include "snapshots/shut_off.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "workspace/descriptor.h"

// Landlock (landlock(7)) knows only what is allowed: everything beside the folder is. The constants
// are our own: headers lag behind kernels.
namespace interlock::snapshots {
namespace {

namespace fs = std::filesystem;
using workspace::Descriptor;

constexpr std::uint64_t kExecute = 1 << 0;
constexpr std::uint64_t kReadFile = 1 << 2;
constexpr std::uint64_t kReadFolder = 1 << 3;
constexpr int kPathBeneath = 1;

struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

/// What is gone, or closed to us, needs no rule.
void allow(const Descriptor& rules, const std::string& path) {
  const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!place.is_open() || ::fstat(place.number(), &status) != 0) return;
  const std::uint64_t of_folders = S_ISDIR(status.st_mode) ? kReadFolder : 0;
  const PathBeneath rule{kExecute | kReadFile | of_folders, place.number()};
  ::syscall(SYS_landlock_add_rule, rules.number(), kPathBeneath, &rule, 0);
}

}  // namespace

Result<void> shut_off(const std::string& folder, const std::vector<std::string>& kept) {
  const std::uint64_t ruled = kExecute | kReadFile | kReadFolder;
  const Descriptor rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruled, sizeof ruled, 0)));
  const auto cannot = [&] {
    return fail(Error::Kind::io,
                fmt::format("cannot keep a filter from `{}`: {}", folder, std::strerror(errno)));
  };
  if (!rules.is_open()) return cannot();
  fs::path on_the_way = "/";
  for (const fs::path& name : fs::path(folder).relative_path()) {
    std::error_code error;
    for (fs::directory_iterator at(on_the_way, error), end; !error && at != end;
         at.increment(error)) {
      // What a link leads to has a rule of its own, or none.
      if (at->path().filename() != name && !at->is_symlink(error)) allow(rules, at->path());
    }
    on_the_way /= name;
  }
  for (const std::string& path : kept) allow(rules, path);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, rules.number(), 0) != 0)
    return cannot();
  return {};
}

}  // namespace interlock::snapshots
