#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace interlock::footprint {

/// A pattern read as a nondeterministic automaton over code points. It reads a path with a `/`
/// before every segment, the first one too: `/src/main.cc`.
struct Automaton {
  /// From one state to another on any code point of an inclusive range, or on nothing where `low >
  /// high`.
  struct Step {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    char32_t low = 1;
    char32_t high = 0;

    bool reads_nothing() const { return low > high; }
  };

  std::uint32_t states = 0;  ///< State 0 is the start.
  std::uint32_t accepting = 0;
  std::vector<Step> steps;  ///< Sorted by `from`. A range is `/` alone or does not hold it.
  std::vector<std::uint32_t> first;  ///< first[s] .. first[s + 1] are the steps out of state s.

  std::span<const Step> from(std::uint32_t state) const {
    return {steps.data() + first[state], steps.data() + first[state + 1]};
  }
};

/// A set of workspace paths, written as one pattern.
///
/// Syntax, over paths relative to the workspace with `/` between segments:
///   `?`       one character of a segment            `*`     any run of characters of a segment
///   `[a-z]`   one of these, `[!a-z]` one of the others, never `/`
///   `{a,b}`   either; may nest and may hold `/`      `\x`    the character x itself
///   `**`      as a whole segment: any number of whole segments, also none; at the end at least one
/// A pattern without wildcards names a file or a folder, so it means that path and all below it;
/// a trailing `/` says the same of any pattern, and `.` is the whole workspace. Braces mean exactly
/// the list of patterns they unfold to (`**` only where both stars stand together). `*` and `?`
/// match a leading dot. A character is a code point; a byte that is no UTF-8 counts as a character
/// of its own (U+DC00 plus the byte). A path has at least one segment and none that is empty, `.`
/// or `..`. Not allowed: absolute paths, `..`, an empty pattern, one that no path can match, `**`
/// beside other characters of a segment (`src/**.md` would mean different things to different
/// people), and (here) a leading `!`.
class Glob {
 public:
  /// At most 4096 bytes and 64 nested braces; the message points at the column.
  static Result<Glob> parse(std::string_view pattern);

  bool matches(std::string_view path) const;

  /// As written, less `./`, doubled slashes and the trailing slash of a plain path.
  const std::string& text() const { return text_; }
  /// The leading segments that hold no wildcard, joined by `/`, without escapes: every match is
  /// this path or below it.
  const std::string& literal_prefix() const { return prefix_is_text_ ? text_ : prefix_; }
  /// Whether the pattern is one plain path (and so means all below it as well).
  bool is_literal() const { return shape_ == Shape::path; }
  /// Whether it is a plain path and `/**`, or `**` alone: all below that path, but not the path
  /// itself.
  bool is_all_below() const { return shape_ == Shape::below; }

  /// Time and memory follow the length of the pattern, whatever it holds. Made into `made` where it
  /// is not kept, and valid as long as both.
  const Automaton& automaton(Automaton& made) const;

  bool operator==(const Glob& other) const { return text_ == other.text_; }

 private:
  friend class GlobParser;
  enum class Shape : unsigned char { path, below, general };

  std::string text_;
  std::string prefix_;  ///< Left empty where it is the text, as it is for most plain paths.
  bool prefix_is_text_ = false;
  Shape shape_ = Shape::general;
  Automaton automaton_;  ///< Kept for the general shape only: plans hold many plain paths.
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

/// Whether some path lies in both sets. Exact, by intersecting the patterns, never by listing
/// files; where the exact answer would take more than a bounded number of steps it is `true`.
bool overlaps(const PatternSet& a, const PatternSet& b);
bool overlaps(const Glob& a, const Glob& b);

/// Whether every path of both `a` and `b` lies in `cover`. `false` where that cannot be settled in
/// bounded steps.
bool covers(std::span<const PatternSet* const> cover, const PatternSet& a, const PatternSet& b);

/// Whether `text` can name something inside a workspace: at least one segment, none empty, `.` or
/// `..`.
bool is_path(std::string_view text);

/// `path` as a pattern that means just it (and all below it): wildcards and the like escaped.
std::string escape(std::string_view path);

}  // namespace interlock::footprint
