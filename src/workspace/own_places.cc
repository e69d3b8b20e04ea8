#include "workspace/own_places.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/digest.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;

/// Enough to tell runs apart, and short.
std::string short_name(const std::string& text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr std::size_t kLength = 7;
  std::string name;
  const Digest digest = digest_of(text);
  for (std::size_t i = 0; i < kLength; ++i) name += kLetters[digest.bytes[i] % kLetters.size()];
  return name;
}

std::string user_path() { return fmt::format("/tmp/interlock-{}", ::geteuid()); }

bool is_own_folder(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && (status.st_mode & 022) == 0;
}

bool make_own_folder(const std::string& path) {
  return (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) && is_own_folder(path);
}

bool is_still_at(const Descriptor& folder, const std::string& path) {
  struct stat held{};
  struct stat named{};
  return ::fstat(folder.number(), &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

std::vector<std::string> attempt_places(const std::string& state, const std::string& run) {
  std::error_code error;
  const std::string whole = fs::weakly_canonical(fs::absolute(state, error), error).string();
  return {fmt::format("{}/t/{}", whole, short_name(run)),
          fmt::format("{}/t/{}", user_path(), short_name(whole + "/" + run))};
}

// In /tmp anybody may have been there first.
bool make_user_place() { return make_own_folder(user_path()); }

std::optional<SharedPlace> SharedPlace::hold(const std::vector<std::string>& names,
                                             std::string above) {
  if (above.empty()) above = user_path();
  constexpr int kTries = 16;
  for (int tried = 0; tried < kTries; ++tried) {
    if (!make_own_folder(above)) return {};
    Descriptor lock(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock.is_open() && errno == ENOENT) continue;
    if (!lock.is_open()) return {};
    while (::flock(lock.number(), LOCK_SH) != 0) {
      if (errno != EINTR) return {};
    }
    // Whoever had the lock before may have removed the folder.
    if (!is_still_at(lock, above)) continue;
    SharedPlace place(std::move(lock), above, names);
    if (!make_own_folder(place.path())) return {};
    for (const std::string& name : names) {
      if (!make_own_folder(place.path() + "/" + name)) return {};
    }
    return place;
  }
  return {};
}

SharedPlace::~SharedPlace() {
  if (!lock_.is_open() || ::flock(lock_.number(), LOCK_EX | LOCK_NB) != 0) return;
  for (const std::string& name : names_) ::rmdir((path() + "/" + name).c_str());
  ::rmdir(path().c_str());
  ::rmdir(above_.c_str());
}

}  // namespace interlock::workspace
