#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace interlock::changes {

/// Draws small texts of few different lines, so that all repeat, and edits to them.
class TextDice {
 public:
  explicit TextDice(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  using Lines = std::vector<std::string>;

  Lines lines() {
    letters_ = 2 + below(12);
    Lines lines;
    for (std::size_t count = below(5 + below(20)); count > 0; --count) lines.push_back(line());
    return lines;
  }

  Lines edited(Lines lines) {
    for (std::size_t edits = below(4); edits > 0; --edits) {
      const auto at = lines.begin() + static_cast<std::ptrdiff_t>(below(lines.size() + 1));
      const std::size_t act = below(3);
      if (act == 0 || at == lines.end()) {
        lines.insert(at, line());
      } else if (act == 1) {
        lines.erase(at);
      } else {
        *at = line();
      }
    }
    return lines;
  }

  /// Rarely the last line has no end.
  std::string text(const Lines& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    if (!text.empty() && below(6) == 0) text.pop_back();
    return text;
  }

 private:
  std::string line() { return std::string(1, static_cast<char>('a' + below(letters_))); }

  std::mt19937_64 engine_;
  std::size_t letters_ = 2;
};

}  // namespace interlock::changes
