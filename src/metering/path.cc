#include "metering/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "metering/route.h"

namespace interlock::metering {
namespace {

bool is_unreserved(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::optional<int> digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return {};
}

std::unexpected<Error> refused(std::string_view target, std::string_view why) {
  return fail(Error::Kind::invalid,
              fmt::format("the path `{}` is refused: {}", printable(target.substr(0, 200)), why));
}

/// What an escape stands for where that is no separator, else nothing.
std::optional<char> decoded(std::string_view escape) {
  if (escape.size() < 3) return {};
  const auto high = digit_of(escape[1]);
  const auto low = digit_of(escape[2]);
  if (!high || !low) return {};
  return static_cast<char>(*high * 16 + *low);
}

}  // namespace

Result<std::string> canonical_path(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  std::string canonical;
  std::string segment;
  const auto end_segment = [&] {
    segment.resize(std::min(segment.find(';'), segment.size()));
    const bool is_dots = segment == "." || segment == "..";
    if (!segment.empty()) canonical.append("/").append(segment);
    segment.clear();
    return !is_dots;
  };
  for (std::size_t at = 0; at < path.size(); ++at) {
    const char c = path[at];
    if (c == '/') {
      if (!end_segment()) return refused(target, "it has a `.` or `..` segment");
    } else if (c == '%') {
      const auto byte = decoded(path.substr(at, 3));
      if (!byte) return refused(target, "it has a broken `%` escape");
      constexpr std::string_view kSeparators("/\\;?#%\0", 7);
      const auto value = static_cast<unsigned char>(*byte);
      if (kSeparators.contains(*byte) || value < 0x20 || value >= 0x7f)
        return refused(target, "it has an escape that servers read differently");
      if (is_unreserved(*byte)) {
        segment += *byte;
      } else {
        segment += fmt::format("%{:02X}", value);
      }
      at += 2;
    } else if (c == '\\' || static_cast<unsigned char>(c) <= 0x20 ||
               static_cast<unsigned char>(c) >= 0x7f) {
      return refused(target, "it has characters that no path has");
    } else {
      segment += c;
    }
  }
  if (!end_segment()) return refused(target, "it has a `.` or `..` segment");
  return canonical.append(target.substr(question));
}

PathKind kind_of_path(std::string_view method, std::string_view path) {
  const std::string small = lower_case(path.substr(0, path.find('?')));
  if (method == "POST" && route_of(small)) return PathKind::call;
  const bool only_looks = method == "GET" || method == "HEAD";
  if (!only_looks || route_of(small)) return PathKind::unknown;
  // `/v1/models`, `/v1beta/models/NAME`; names may have a slash in them.
  const bool is_list = small.ends_with("/models") || small.find("/models/") != std::string::npos;
  return is_list ? PathKind::look : PathKind::unknown;
}

}  // namespace interlock::metering
