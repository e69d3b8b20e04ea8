#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace interlock {

/// The one door for text that is written or shown: known secrets become `[key NAME]`, whether they
/// stand there as they are, escaped as in JSON or in a URL, or in base64 (also as a part of
/// something longer). A value; knows nothing of where secrets come from. The replacement has no
/// character that JSON or a URL's reader would stumble over, so JSON stays JSON.
class Redaction {
 public:
  /// Shorter ones are left alone: they would be found in every other word.
  static constexpr std::size_t kShortest = 6;

  void add(std::string_view name, std::string_view secret);
  void add(const Redaction& others);
  bool empty() const { return patterns_.empty(); }

  std::string apply(std::string_view text) const;
  /// In place, and without a copy where nothing is found.
  void apply_to(std::string& text) const;

 private:
  friend class RedactedStream;
  struct Pattern {
    std::string bytes;
    std::string instead;
  };

  void add_pattern(std::string bytes, const std::string& instead);
  /// Appends to `out`; answers up to where nothing more is found.
  void replace_all(std::string_view text, std::string& out, std::size_t& done) const;
  bool holds_any(std::string_view text) const;
  /// How many bytes at the end of `text` may be the beginning of a secret.
  std::size_t open_end(std::string_view text) const;

  std::vector<Pattern> patterns_;  ///< Longest first.
};

/// The same for text that comes in pieces, wherever it is parted. Holds back only what may be the
/// beginning of a secret.
class RedactedStream {
 public:
  /// What can be passed on now.
  std::string take(const Redaction& redaction, std::string_view bytes);
  /// Nothing more will come: the rest.
  std::string end() { return std::exchange(held_, {}); }
  bool holds() const { return !held_.empty(); }

 private:
  std::string held_;
};

}  // namespace interlock
