#include "workspace/own_places.h"

#include <fmt/format.h>
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

}  // namespace

std::vector<std::string> attempt_places(const std::string& state, const std::string& run) {
  std::error_code error;
  const std::string whole = fs::weakly_canonical(fs::absolute(state, error), error).string();
  return {fmt::format("{}/t/{}", whole, short_name(run)),
          fmt::format("{}/t/{}", user_path(), short_name(whole + "/" + run))};
}

bool make_user_place() {
  const std::string path = user_path();
  struct stat status {};
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return false;
  // In /tmp anybody may have been there first.
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && (status.st_mode & 022) == 0;
}

}  // namespace interlock::workspace
