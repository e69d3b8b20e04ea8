#include "snapshots/mounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

/// The kernel writes blanks, newlines and backslashes of a path as three octal digits.
std::string unescaped(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string path;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view digits = text.substr(at + 1, kDigits);
    if (text[at] != '\\' || digits.size() < kDigits || !std::ranges::all_of(digits, is_octal)) {
      path += text[at];
      continue;
    }
    const int code = (digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0');
    path += static_cast<char>(code);
    at += kDigits;
  }
  return path;
}

/// The fields of a line, which single blanks part.
std::string_view field(std::string_view line, int number) {
  for (; number > 0; --number) {
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos) return "";
    line.remove_prefix(blank + 1);
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

std::vector<std::string> mounts_below(const std::string& root, std::string_view mountinfo) {
  constexpr int kMountPoint = 4;
  std::vector<std::string> mounts;
  while (!mountinfo.empty()) {
    const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
    const std::string at = unescaped(field(line, kMountPoint));
    const std::size_t above = root == "/" ? 0 : root.size();
    const bool is_below = root == "/" ? at.starts_with('/') : workspace::is_at_or_below(at, root);
    if (is_below && at.size() > above + 1) mounts.push_back(at.substr(above + 1));
  }
  std::ranges::sort(mounts);
  mounts.erase(std::ranges::unique(mounts).begin(), mounts.end());
  return mounts;
}

std::vector<std::string> mounts_in(const std::string& root) {
  std::ifstream file("/proc/self/mountinfo", std::ios::binary);
  return mounts_below(root, std::string(std::istreambuf_iterator<char>(file), {}));
}

Result<void> holds_no_mounts(const std::string& root) {
  const std::vector<std::string> mounts = mounts_in(root);
  if (mounts.empty()) return {};
  return fail(Error::Kind::refused,
              fmt::format("cannot make snapshots of the workspace: something is mounted in it, at "
                          "`{}`, and a snapshot would show what lies below",
                          printable(mounts.front())),
              "unmount it, or choose the isolation `guard`");
}

}  // namespace interlock::snapshots
