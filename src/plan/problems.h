#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/read.h"

namespace interlock::plan {

/// A stretch of the plan's text, in bytes. What `--set` put in has a number of its own instead of a
/// place.
struct Span {
  static constexpr std::uint32_t kSet =
      0xffff'0000;  ///< `begin` from here on: the entry of `--set`.
  static constexpr std::uint32_t kNowhere = 0xfffe'ffff;

  std::uint32_t begin = kNowhere;
  std::uint32_t length = 1;
};

/// The text of a plan as lines: bytes in, line and column out.
class SourceText {
 public:
  explicit SourceText(std::string_view text);

  std::string_view text() const { return text_; }
  /// Line and column from 1; columns count code points. `{0, 0}` for a span that lies in no line.
  Place place(Span span) const;
  /// The line that holds `begin`, without its end.
  std::string_view line_of(std::uint32_t begin) const;

 private:
  std::size_t line_index(std::uint32_t begin) const;
  /// How many bytes before `begin` go on a character that began earlier.
  std::size_t continuing_before(std::uint32_t begin) const;

  std::string_view text_;
  std::vector<std::uint32_t> line_begins_;
  /// Bytes that go on a character, before every `kStride`th byte: a plan may be one long line.
  /// Empty where there are none.
  std::vector<std::uint32_t> continuing_;
};

/// Collects what is wrong with a plan, in any order and in bounded memory.
class Problems {
 public:
  static constexpr std::size_t kShown = 50;

  Problems(const SourceText& source, const std::map<std::string, std::string>& set)
      : source_(source), set_(set) {}

  /// One problem a place: what is said second of the same place follows from the first.
  void add(Span where, std::string message, std::string hint = {});
  /// How often something was told so far: for the question whether anything was told in between.
  std::size_t reported() const { return reported_; }

  const SourceText& source() const { return source_; }
  /// In document order, at most `kShown`, then one that counts the rest.
  std::vector<Problem> finish();

 private:
  struct Found {
    Span where;
    std::string message;
    std::string hint;
  };

  void keep_first();
  Problem shown(Found& found) const;

  const SourceText& source_;
  const std::map<std::string, std::string>& set_;
  std::vector<Found> found_;
  std::size_t dropped_ = 0;
  std::size_t reported_ = 0;
};

}  // namespace interlock::plan
