#include "metering/glance.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"

namespace interlock::metering {
namespace {

constexpr int kDepthMax = 256;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

/// Behind the string whose opening quote is at `at`; npos when it does not end. A quote ends it
/// unless an odd number of backslashes stands before it, so most of it is passed by `memchr`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  const std::size_t begin = at + 1;
  for (std::size_t quote = text.find('"', begin); quote != std::string_view::npos;
       quote = text.find('"', quote + 1)) {
    std::size_t before = quote;
    while (before > begin && text[before - 1] == '\\') --before;
    if ((quote - before) % 2 == 0) return quote + 1;
  }
  return std::string_view::npos;
}

/// Checks the grammar; `at` moves behind what was read.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  bool document() { return value(0) && (space(), at_ == text_.size()); }

 private:
  void space() { at_ = skip_space(text_, at_); }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string() {
    space();
    if (at_ >= text_.size() || text_[at_] != '"') return false;
    const std::size_t end = skip_string(text_, at_);
    if (end == std::string_view::npos) return false;
    at_ = end;
    return true;
  }
  bool word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }
  bool number() {
    word("-");
    const bool is_zero = word("0");
    if (!is_zero && !digits()) return false;
    if (word(".") && !digits()) return false;
    if (!word("e") && !word("E")) return true;
    if (!word("+")) word("-");
    return digits();
  }
  bool members(int depth) {
    if (take('}')) return true;
    do {
      if (!string() || !take(':') || !value(depth + 1)) return false;
    } while (take(','));
    return take('}');
  }
  bool items(int depth) {
    if (take(']')) return true;
    do {
      if (!value(depth + 1)) return false;
    } while (take(','));
    return take(']');
  }
  bool value(int depth) {  // NOLINT(misc-no-recursion): bounded by kDepthMax
    space();
    if (at_ >= text_.size() || depth > kDepthMax) return false;
    switch (text_[at_]) {
      case '{': ++at_; return members(depth);
      case '[': ++at_; return items(depth);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Behind the value at `at`, in text that was checked.
std::size_t skip_value(std::string_view text, std::size_t at) {
  const char first = text[at];
  if (first == '"') return skip_string(text, at);
  if (first != '{' && first != '[') {
    const std::size_t end = text.find_first_of(",]} \n\r\t", at);
    return end == std::string_view::npos ? text.size() : end;
  }
  int depth = 0;
  while (true) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
}

/// A key can be written with escapes; then it is compared as what it says.
bool is_key(std::string_view written, std::string_view key) {
  if (written == key) return true;
  if (written.find('\\') == std::string_view::npos) return false;
  const auto read = parse_json("\"" + std::string(written) + "\"");
  return read && read->is_string() && read->get_string() == key;
}

}  // namespace

std::optional<Glance> Glance::of(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!Checker(text).document()) return {};
  const std::size_t begin = skip_space(text, 0);
  std::size_t end = text.size();
  while (is_space(text[end - 1])) --end;
  return Glance(text.substr(begin, end - begin));
}

std::optional<std::int64_t> Glance::integer() const {
  if (text_.empty() || (text_[0] != '-' && !is_digit(text_[0]))) return {};
  std::int64_t whole = 0;
  const char* const last = text_.data() + text_.size();
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), whole);
  if (error == std::errc() && end == last) return whole;
  double number = 0;
  const auto [stop, wrong] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  const bool is_whole = wrong == std::errc() && stop == last && std::trunc(number) == number;
  if (!is_whole || std::fabs(number) > kExactMax) return {};
  return static_cast<std::int64_t>(number);
}

std::optional<std::string> Glance::string() const {
  if (!is_string()) return {};
  const std::string_view inside = text_.substr(1, text_.size() - 2);
  const bool is_plain =
      std::ranges::all_of(inside, [](char c) { return c >= ' ' && c < 0x7f && c != '\\'; });
  if (is_plain) return std::string(inside);
  const auto read = parse_json(text_);  // takes the escapes out and refuses what is not UTF-8
  if (!read || !read->is_string()) return {};
  return std::string(read->get_string());
}

Glance Glance::operator[](std::string_view key) const {
  Glance found;
  each_member([&](std::string_view written, Glance value) {
    if (is_key(written, key)) found = value;
  });
  return found;
}

Glance Glance::first() const {
  Glance value;
  std::size_t at = 1;
  if (is_array()) next_item(at, value);
  return value;
}

bool Glance::is_empty() const {
  return (is_array() || is_object()) && skip_space(text_, 1) + 1 == text_.size();
}

bool Glance::next_member(std::size_t& at, std::string_view& key, Glance& value) const {
  at = text_.find_first_of("\"}", at);
  if (text_[at] == '}') return false;
  const std::size_t key_end = skip_string(text_, at);
  key = text_.substr(at + 1, key_end - at - 2);
  at = skip_space(text_, text_.find(':', key_end) + 1);
  const std::size_t end = skip_value(text_, at);
  value = Glance(text_.substr(at, end - at));
  at = end;
  return true;
}

bool Glance::next_item(std::size_t& at, Glance& value) const {
  while (is_space(text_[at]) || text_[at] == ',') ++at;
  if (text_[at] == ']') return false;
  const std::size_t end = skip_value(text_, at);
  value = Glance(text_.substr(at, end - at));
  at = end;
  return true;
}

}  // namespace interlock::metering
