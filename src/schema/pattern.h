#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace interlock::schema {

/// A regular expression of ECMA 262 (with the `u` flag), matched in time linear in the text by RE2.
/// What RE2 cannot say is refused: looking ahead or behind, back references, repetitions over 1000.
class Pattern {
 public:
  static Result<Pattern> parse(std::string_view ecma);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  /// Whether some part of `text` matches.
  bool is_in(std::string_view text) const;
  const std::string& text() const { return text_; }

 private:
  Pattern(std::string text, std::unique_ptr<re2::RE2> compiled);

  std::string text_;
  std::unique_ptr<re2::RE2> compiled_;
};

/// The same expression in RE2's syntax.
Result<std::string> translate_pattern(std::string_view ecma);

}  // namespace interlock::schema
