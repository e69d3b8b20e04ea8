// A pattern from outside is refused or usable, in bounded time, and meets itself where it matches
// anything.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "footprint/glob.h"

using namespace interlock;
using namespace interlock::footprint;

namespace {

/// Paths a pattern is likely to match, made from its own text: wildcards replaced by plain names.
std::string derived_path(std::string_view text, std::string_view run) {
  std::string path;
  for (const char next : text) {
    if (next == '*' || next == '?') {
      path += run;
    } else if (std::string_view("[]{}\\!,^").find(next) == std::string_view::npos) {
      path += next;
    }
  }
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto glob = Glob::parse(input);
  if (!glob) {
    check(!glob.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto again = Glob::parse(glob->text());
  check(again && again->text() == glob->text(), "the text of a pattern reads back as itself");
  check(overlaps(*glob, *glob), "every accepted pattern matches some path, so it meets itself");
  for (const std::string_view run : {"", "a", "a/b", "."}) {
    const std::string path = derived_path(glob->text(), run);
    if (!glob->matches(path)) continue;
    const auto exact = Glob::parse(escape(path));
    check(exact && overlaps(*glob, *exact), "a pattern meets every path it matches");
    check(again->matches(path), "a pattern read back matches the same");
  }
  return 0;
}
