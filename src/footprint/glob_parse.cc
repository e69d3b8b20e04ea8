#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/text.h"
#include "footprint/automaton_builder.h"
#include "footprint/code_points.h"
#include "footprint/glob.h"
#include "footprint/overlap.h"

namespace interlock::footprint {

namespace {

constexpr std::size_t kLongestPattern = 4096;
constexpr int kDeepestBraces = 64;

/// A pattern that is plainly one path, normalised, without the work of parsing: nearly all patterns
/// of large plans.
std::optional<std::string> plain_path(std::string_view pattern) {
  const bool has_signs = std::ranges::any_of(pattern, [](char c) {
    return c == '*' || c == '?' || c == '[' || c == '{' || c == '}' || c == '\\' || c == '\0';
  });
  if (has_signs) return {};
  if (pattern.starts_with('!') || pattern.starts_with('/')) return {};
  std::string path;
  path.reserve(pattern.size());
  while (!pattern.empty()) {
    const std::string_view segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(std::min(segment.size() + 1, pattern.size()));
    if (segment == "..") return {};
    if (segment.empty() || segment == ".") continue;
    if (!path.empty()) path += '/';
    path += segment;
  }
  if (path.empty() || path.starts_with('!')) return {};
  return path;
}

/// What a class does not match, `/` and code points that never occur left out.
std::vector<CodePointRange> others(std::vector<CodePointRange> ranges) {
  constexpr std::array<CodePointRange, 5> kNever{
      {{0, 0}, {U'/', U'/'}, {0xD800, 0xDC7F}, {0xDD00, 0xDFFF}, {kLastCodePoint + 1, UINT32_MAX}}};
  ranges.insert(ranges.end(), kNever.begin(), kNever.end());
  std::ranges::sort(ranges);
  std::vector<CodePointRange> result;
  char32_t next = 0;
  for (const auto& [low, high] : ranges) {
    if (low > next) result.emplace_back(next, low - 1);
    next = std::max<char32_t>(next, high + 1);
    if (high >= kLastCodePoint) break;
  }
  return result;
}

}  // namespace

/// Reads a pattern once, left to right, building its normal text and its automaton on the way.
class GlobParser {
 public:
  explicit GlobParser(std::string_view pattern) : pattern_(pattern) {}

  Result<Glob> parse();
  /// Of a pattern that was parsed before.
  Automaton automaton();

 private:
  using Outcome = Result<void>;

  Outcome sequence(int depth);
  Outcome part(int depth);
  Outcome dot(int depth);
  Outcome character(char32_t value, std::size_t bytes);
  Outcome escaped();
  Outcome slash();
  Outcome stars(int depth);
  Outcome question_mark();
  Outcome character_class();
  Outcome braces(int depth);
  Result<char32_t> class_member(std::size_t opened);
  Result<std::vector<CodePointRange>> class_ranges(std::size_t opened, std::size_t members);
  Outcome not_glued() const;
  std::size_t segment_behind_slash(std::size_t at) const;
  bool segment_ends_at(std::size_t at, int depth) const;
  void note_wildcard();
  /// Goes on behind the next bytes, which become part of the text; plain ones of the prefix too.
  void take(std::size_t bytes);
  void take_plain(std::size_t bytes);
  Result<Glob> finish();

  std::unexpected<Error> refuse(std::size_t at, std::string_view what, std::string hint) const;

  std::string_view pattern_;
  std::size_t at_ = 0;
  AutomatonBuilder automaton_;
  std::string text_;
  std::string plain_;  ///< Without escapes, up to the first wildcard.
  std::size_t wildcards_ = 0;
  std::size_t last_stars_ = 0;  ///< Where the last `**` stands.
};

Result<Glob> GlobParser::parse() {
  if (pattern_.empty()) return refuse(0, "it is empty", "write `**` for the whole workspace");
  if (pattern_.size() > kLongestPattern) {
    return refuse(0,
                  fmt::format("it is {} bytes long, at most {} are allowed", pattern_.size(),
                              kLongestPattern),
                  "write several shorter patterns");
  }
  if (pattern_.starts_with('!')) {
    return refuse(0, "an exclusion stands alone", "a name that begins with `!` is written `\\!`");
  }
  if (const Outcome read = sequence(0); !read) return std::unexpected(read.error());
  return finish();
}

Automaton GlobParser::automaton() {
  check(sequence(0).has_value(), "a parsed pattern parses again");
  return automaton_.finish();
}

GlobParser::Outcome GlobParser::sequence(int depth) {
  while (at_ < pattern_.size()) {
    const char next = pattern_[at_];
    if (depth > 0 && (next == ',' || next == '}')) return {};
    if (const Outcome read = part(depth); !read) return read;
  }
  return {};
}

GlobParser::Outcome GlobParser::part(int depth) {
  switch (pattern_[at_]) {
    case '/': return slash();
    case '*': return stars(depth);
    case '?': return question_mark();
    case '[': return character_class();
    case '{': return braces(depth);
    case '}': return refuse(at_, "`}` closes nothing", "write `\\}` for the character itself");
    case '\\': return escaped();
    default: break;
  }
  if (pattern_[at_] == '.') return dot(depth);
  const CodePoint next = first_code_point(pattern_.substr(at_));
  return character(next.value, next.bytes);
}

GlobParser::Outcome GlobParser::dot(int depth) {
  const std::string_view rest = pattern_.substr(at_);
  if (automaton_.only_after_slash()) {
    if (rest == "." || rest.starts_with("./")) {
      at_ += std::min<std::size_t>(rest.size(), 2);
      return {};
    }
    if (rest.starts_with("..") && segment_ends_at(at_ + 2, depth)) {
      return refuse(at_, "`..` is not allowed",
                    "patterns are relative to the workspace and stay inside it");
    }
  }
  if (const Outcome free = not_glued(); !free) return free;
  automaton_.read_dot();
  take_plain(1);
  return {};
}

GlobParser::Outcome GlobParser::character(char32_t value, std::size_t bytes) {
  if (value == 0) return refuse(at_, "a path holds no NUL byte", "remove it");
  if (const Outcome free = not_glued(); !free) return free;
  automaton_.read_character(value);
  // Behind a `./` that is left out of the text, this would begin an exclusion.
  if (value == U'!' && text_.empty()) text_ += '\\';
  take_plain(bytes);
  return {};
}

GlobParser::Outcome GlobParser::escaped() {
  if (at_ + 1 == pattern_.size()) {
    return refuse(at_, "nothing follows the backslash", "write `\\\\` for a backslash itself");
  }
  if (pattern_[at_ + 1] == '/')
    return refuse(at_, "a slash is always one", "write it without the backslash");
  const CodePoint next = first_code_point(pattern_.substr(at_ + 1));
  take(1);
  return character(next.value, next.bytes);
}

GlobParser::Outcome GlobParser::slash() {
  if (automaton_.at_start()) {
    if (at_ > 0 && pattern_[at_ - 1] == '/') {  // Behind a `./`.
      ++at_;
      return {};
    }
    return refuse(at_, "the path is absolute", "write it relative to the workspace");
  }
  if (automaton_.only_after_slash()) {
    ++at_;
    return {};
  }
  automaton_.read_slash();
  take_plain(1);
  return {};
}

GlobParser::Outcome GlobParser::stars(int depth) {
  const std::size_t end = std::min(pattern_.find_first_not_of('*', at_), pattern_.size());
  const std::size_t count = end - at_;
  if (count == 1) {
    if (const Outcome free = not_glued(); !free) return free;
    note_wildcard();
    automaton_.read_run();
    take(1);
    return {};
  }
  last_stars_ = at_;
  if (count > 2 || !automaton_.only_after_slash()) {
    return refuse(at_, "`**` must be a whole segment",
                  "write `**/*` for names at any depth, `*` within one folder");
  }
  note_wildcard();
  automaton_.read_segments();
  take(2);
  // Several in a row say no more than one, but would cost as many states each.
  for (;;) {
    const std::size_t next = segment_behind_slash(at_);
    if (next == at_ || !pattern_.substr(next).starts_with("**") ||
        !segment_ends_at(next + 2, depth))
      return {};
    at_ = next + 2;
  }
}

GlobParser::Outcome GlobParser::question_mark() {
  if (const Outcome free = not_glued(); !free) return free;
  note_wildcard();
  automaton_.read_one_of(kNameCharacters);
  take(1);
  return {};
}

GlobParser::Outcome GlobParser::character_class() {
  if (const Outcome free = not_glued(); !free) return free;
  const std::size_t opened = at_;
  const bool negated = pattern_.substr(at_ + 1).find_first_of("!^") == 0;
  auto ranges = class_ranges(opened, opened + (negated ? 2 : 1));
  if (!ranges) return std::unexpected(std::move(ranges.error()));

  note_wildcard();
  automaton_.read_one_of(negated ? others(std::move(*ranges)) : *ranges);
  const std::size_t closed = at_;
  at_ = opened;
  take(closed - opened);
  return {};
}

Result<std::vector<CodePointRange>> GlobParser::class_ranges(std::size_t opened,
                                                             std::size_t members) {
  std::vector<CodePointRange> ranges;
  at_ = members;
  while (at_ < pattern_.size() && (pattern_[at_] != ']' || at_ == members)) {
    const std::size_t start = at_;
    const auto low = class_member(opened);
    if (!low) return std::unexpected(low.error());
    auto high = low;
    const bool is_range =
        pattern_.substr(at_).starts_with('-') && !pattern_.substr(at_).starts_with("-]");
    if (is_range) {
      ++at_;
      high = class_member(opened);
      if (!high) return std::unexpected(high.error());
    }
    if (*high < *low)
      return refuse(start, "the range runs backwards", "write the smaller character first");
    if (*low < U'/') ranges.emplace_back(*low, std::min<char32_t>(*high, U'/' - 1));
    if (*high > U'/') ranges.emplace_back(std::max<char32_t>(*low, U'/' + 1), *high);
  }
  if (at_ >= pattern_.size()) {
    return refuse(opened, "`[` is never closed", "write `\\[` for the character itself");
  }
  ++at_;
  return ranges;
}

Result<char32_t> GlobParser::class_member(std::size_t opened) {
  if (pattern_.substr(at_).starts_with("[:")) {
    return refuse(at_, "named classes such as `[:alpha:]` are not known",
                  "write a range such as `a-z`");
  }
  if (pattern_.substr(at_).starts_with('\\')) ++at_;
  if (at_ >= pattern_.size()) {
    return refuse(opened, "`[` is never closed", "write `\\[` for the character itself");
  }
  const CodePoint next = first_code_point(pattern_.substr(at_));
  if (next.value == U'/') {
    return refuse(at_, "a class never matches `/`", "write the slash outside, or use braces");
  }
  if (next.value == 0) return refuse(at_, "a path holds no NUL byte", "remove it");
  at_ += next.bytes;
  return next.value;
}

GlobParser::Outcome GlobParser::braces(int depth) {
  const std::size_t opened = at_;
  if (depth == kDeepestBraces) {
    return refuse(at_, fmt::format("braces nest deeper than {}", kDeepestBraces),
                  "write several patterns");
  }
  note_wildcard();
  const AutomatonBuilder::Front before = automaton_.front();
  std::vector<AutomatonBuilder::Front> ends;
  do {
    take(1);
    automaton_.go_back_to(before);
    if (const Outcome read = sequence(depth + 1); !read) return read;
    ends.push_back(automaton_.front());
  } while (at_ < pattern_.size() && pattern_[at_] == ',');
  if (at_ == pattern_.size()) {
    return refuse(opened, "`{` is never closed", "write `\\{` for the character itself");
  }
  if (ends.size() == 1) {
    return refuse(opened, "these braces hold no comma",
                  "write `{a,b}` for either, `\\{` for the character itself");
  }
  take(1);
  automaton_.join(ends);
  return {};
}

GlobParser::Outcome GlobParser::not_glued() const {
  if (!automaton_.stands(AutomatonBuilder::after_some)) return {};
  return refuse(last_stars_, "`**` must be a whole segment",
                "write `**/*` for names at any depth, `*` within one folder");
}

bool GlobParser::segment_ends_at(std::size_t at, int depth) const {
  if (at >= pattern_.size() || pattern_[at] == '/') return true;
  return depth > 0 && (pattern_[at] == ',' || pattern_[at] == '}');
}

/// Where the segment behind the slash at `at` begins, past further slashes and `./`; `at` where
/// there is no slash.
std::size_t GlobParser::segment_behind_slash(std::size_t at) const {
  if (!pattern_.substr(at).starts_with('/')) return at;
  for (;;) {
    const std::string_view rest = pattern_.substr(at);
    if (rest.starts_with('/')) {
      ++at;
    } else if (rest.starts_with("./")) {
      at += 2;
    } else {
      return at;
    }
  }
}

void GlobParser::note_wildcard() {
  if (wildcards_++ > 0) return;
  // The prefix ends with the last whole segment.
  plain_.erase(plain_.find_last_of('/') == std::string::npos ? 0 : plain_.find_last_of('/'));
}

void GlobParser::take_plain(std::size_t bytes) {
  if (wildcards_ == 0) plain_ += pattern_.substr(at_, bytes);
  take(bytes);
}

void GlobParser::take(std::size_t bytes) {
  text_ += pattern_.substr(at_, bytes);
  at_ += bytes;
}

Result<Glob> GlobParser::finish() {
  if (automaton_.at_start()) {
    if (wildcards_ == 0) return Glob::parse("**");  // `.` and the like.
    return refuse(0, "one of its alternatives is empty", "write `**` for the whole workspace");
  }
  Glob glob;
  if (wildcards_ == 0) {
    if (plain_.ends_with('/')) plain_.pop_back(), text_.pop_back();
    if (!is_path(plain_)) return refuse(0, "no path can match it", "`.` and `..` are not names");
    glob.shape_ = Glob::Shape::path;
  } else if (wildcards_ == 1 && (text_ == "**" || text_.ends_with("/**"))) {
    glob.shape_ = Glob::Shape::below;
  } else {
    glob.shape_ = Glob::Shape::general;
    glob.automaton_ = automaton_.finish();
    if (!matches_some_path(glob.automaton_)) {
      return refuse(0, "no path can match it",
                    "a path has no empty segments and none that is `.` or `..`");
    }
  }
  glob.text_ = std::move(text_);
  glob.prefix_is_text_ = glob.text_ == plain_;
  if (!glob.prefix_is_text_) glob.prefix_ = std::move(plain_);
  return glob;
}

std::unexpected<Error> GlobParser::refuse(std::size_t at, std::string_view what,
                                          std::string hint) const {
  std::size_t column = 1;
  for (std::size_t i = 0; i < at; ++column) i += first_code_point(pattern_.substr(i)).bytes;
  return fail(Error::Kind::invalid,
              fmt::format("pattern `{}`, column {}: {}", elide_middle(printable(pattern_), 60),
                          column, what),
              std::move(hint));
}

Result<Glob> Glob::parse(std::string_view pattern) {
  if (pattern.size() <= kLongestPattern) {
    if (auto path = plain_path(pattern)) {
      Glob glob;
      glob.text_ = std::move(*path);
      glob.prefix_is_text_ = true;
      glob.shape_ = Shape::path;
      return glob;
    }
  }
  return GlobParser(pattern).parse();
}

const Automaton& Glob::automaton(Automaton& made) const {
  if (shape_ == Shape::general) return automaton_;
  return made = GlobParser(text_).automaton();
}

}  // namespace interlock::footprint
