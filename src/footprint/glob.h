#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace interlock::footprint {

/// A set of workspace paths, written as one pattern.
///
/// Syntax, over paths relative to the workspace with `/` between segments:
///   `?`       one character of a segment            `*`     any run of characters of a segment
///   `[a-z]`   one of these, `[!a-z]` one of the others, never `/`
///   `{a,b}`   either; may nest and may hold `/`      `\x`    the character x itself
///   `**`      as a whole segment: any number of whole segments, also none; at the end at least one
/// A pattern without wildcards names a file or a folder, so it means that path and all below it;
/// a trailing `/` says the same. `*` and `?` match a leading dot. A character is a code point;
/// a byte that is no UTF-8 counts as a character of its own.
/// Not allowed: absolute paths, `..`, an empty pattern, and (here) a leading `!`.
class Glob {
 public:
  /// At most 4096 bytes and 64 nested braces; the message points at the column.
  static Result<Glob> parse(std::string_view pattern);

  bool matches(std::string_view path) const;

  /// As written, less `./`, doubled and trailing slashes.
  const std::string& text() const { return text_; }
  /// The leading segments that hold no wildcard, joined by `/`: every match is this path or below it.
  const std::string& literal_prefix() const { return literal_prefix_; }
  /// Whether the pattern is one plain path (and so means all below it as well).
  bool is_literal() const { return literal_; }

  /// One step of the pattern read as a nondeterministic automaton over code points.
  struct Step {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    /// Sorted, disjoint, inclusive ranges of code points; empty for a step that reads nothing.
    std::vector<std::pair<char32_t, char32_t>> ranges;
  };
  struct Automaton {
    std::uint32_t states = 0;  ///< State 0 is the start.
    std::vector<Step> steps;
    std::vector<std::uint32_t> accepting;
  };
  const Automaton& automaton() const { return automaton_; }

  bool operator==(const Glob& other) const { return text_ == other.text_; }

 private:
  std::string text_;
  std::string literal_prefix_;
  bool literal_ = false;
  Automaton automaton_;
};

/// A list of patterns: what any of the plain ones matches and none of the `!` ones does.
struct PatternSet {
  std::vector<Glob> include;
  std::vector<Glob> exclude;

  /// Reads a list as a plan writes it, `!` marking exclusions.
  static Result<PatternSet> parse(std::span<const std::string> patterns);
  bool matches(std::string_view path) const;
  bool empty() const { return include.empty(); }
  /// As in a plan: `src/**, !src/gen/**`.
  std::string text() const;
  bool operator==(const PatternSet&) const = default;
};

/// Whether some path lies in both sets. Exact, by intersecting the patterns, never by listing files;
/// where the exact answer would take more than a bounded number of steps it is `true`.
bool overlaps(const PatternSet& a, const PatternSet& b);
bool overlaps(const Glob& a, const Glob& b);

/// Whether every path of both `a` and `b` lies in `cover`. `false` where that cannot be settled in bounded steps.
bool covers(std::span<const PatternSet* const> cover, const PatternSet& a, const PatternSet& b);

}  // namespace interlock::footprint
