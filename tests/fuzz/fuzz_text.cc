// Any bytes can be shown: as text without control characters, cut to any width.
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "base/text.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string shown = printable(text);
  check(!first_bad_utf8(shown), "what is shown is UTF-8");
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  check(std::ranges::none_of(shown, is_control), "what is shown has no control characters");
  check(printable(shown) == shown, "what is shown can be shown");

  const std::size_t columns = size % 40;
  check(display_width(elide_end(shown, columns)) <= columns, "what is cut at the end fits");
  check(display_width(elide_middle(shown, columns)) <= columns, "what is cut in the middle fits");
  check(display_width(pad(shown, columns)) >= columns, "what is padded fills");

  const std::string word(text.substr(0, size / 2));
  const std::string candidates[] = {std::string(text.substr(size / 2)), "prompt", "reads"};
  nearest_word(word, candidates);
  check(shell_quote(text).size() >= size, "quoting loses nothing");
  return 0;
}
