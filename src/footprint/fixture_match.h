#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace interlock::footprint {

/// The meaning of a pattern the slow and obvious way, for tests: braces unfolded to a list,
/// segments matched by trying everything. ASCII only, and only for patterns that parse.
class ReferencePattern {
 public:
  explicit ReferencePattern(std::string_view pattern) {
    for (const std::string& one : unfold(mark_double_stars(pattern)))
      alternatives_.push_back(Alternative(one));
  }

  bool matches(const std::vector<std::string>& segments) const {
    for (const Alternative& alternative : alternatives_) {
      if (alternative.matches(segments)) return true;
    }
    return false;
  }

  static std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> segments{""};
    for (const char next : path) {
      if (next == '/') {
        segments.emplace_back();
      } else {
        segments.back() += next;
      }
    }
    return segments;
  }

 private:
  static constexpr char kDoubleStar = '\1';

  /// Unfolding braces may bring two `*` together, which does not make them one `**`.
  static std::string mark_double_stars(std::string_view pattern) {
    std::string marked(pattern);
    for (std::size_t at = 0; at < marked.size(); at = end_of_part(marked, at)) {
      if (marked.compare(at, 2, "**") == 0) marked.replace(at, 2, 1, kDoubleStar);
    }
    return marked;
  }

  /// Where the part at `at` ends: an escape, a class, or one character.
  static std::size_t end_of_part(const std::string& text, std::size_t at) {
    if (text[at] == '\\') return at + 2;
    if (text[at] != '[') return at + 1;
    std::size_t end = at + 1;
    if (text[end] == '!' || text[end] == '^') ++end;
    do ++end;
    while (text[end] != ']');
    return end + 1;
  }

  static std::vector<std::string> unfold(const std::string& text) {
    std::size_t open = 0;
    while (open < text.size() && text[open] != '{') open = end_of_part(text, open);
    if (open == text.size()) return {text};
    std::vector<std::string> choices{""};
    std::size_t at = open + 1;
    for (int depth = 1; depth > 0;) {
      const std::size_t end = end_of_part(text, at);
      const std::string part = text.substr(at, end - at);
      at = end;
      depth += part == "{" ? 1 : part == "}" ? -1 : 0;
      if (part == "," && depth == 1) {
        choices.emplace_back();
      } else if (depth > 0) {
        choices.back() += part;
      }
    }
    std::vector<std::string> unfolded;
    for (const std::string& choice : choices) {
      for (std::string& one : unfold(text.substr(0, open) + choice + text.substr(at)))
        unfolded.push_back(std::move(one));
    }
    return unfolded;
  }

  struct Alternative {
    std::vector<std::string> segments;
    bool also_below = false;

    explicit Alternative(const std::string& text) {
      also_below = text.find_first_of("*?[\1") == std::string::npos;
      for (const std::string& segment : split(text)) {
        if (!segment.empty() && segment != ".") segments.push_back(segment);
      }
      also_below = also_below || text.ends_with('/') || text.ends_with("/.") || text == ".";
    }

    bool matches(const std::vector<std::string>& path) const { return from(0, path, 0); }

    bool from(std::size_t i, const std::vector<std::string>& path, std::size_t at) const {
      if (i == segments.size()) return at == path.size() || also_below;
      if (segments[i][0] == kDoubleStar) {
        const bool last = i + 1 == segments.size() && !also_below;
        for (std::size_t skip = at + (last ? 1 : 0); skip <= path.size(); ++skip) {
          if (from(i + 1, path, skip)) return true;
        }
        return false;
      }
      return at < path.size() && name(segments[i], path[at]) && from(i + 1, path, at + 1);
    }

    static bool name(std::string_view pattern, std::string_view text) {
      if (pattern.empty()) return text.empty();
      if (pattern[0] == '*')
        return name(pattern.substr(1), text) || (!text.empty() && name(pattern, text.substr(1)));
      if (text.empty()) return false;
      const std::string part(pattern.substr(0, end_of_part(std::string(pattern), 0)));
      return one(part, text[0]) && name(pattern.substr(part.size()), text.substr(1));
    }

    static bool one(const std::string& part, char c) {
      if (part == "?") return true;
      if (part[0] == '\\') return part[1] == c;
      if (part[0] != '[') return part[0] == c;
      const bool negated = part[1] == '!' || part[1] == '^';
      bool held = false;
      for (std::size_t i = negated ? 2 : 1; i + 1 < part.size(); ++i) {
        if (i + 3 < part.size() && part[i + 1] == '-') {
          held = held || (part[i] <= c && c <= part[i + 2]);
          i += 2;
        } else {
          held = held || part[i] == c;
        }
      }
      return held != negated;
    }
  };

  std::vector<Alternative> alternatives_;
};

}  // namespace interlock::footprint
