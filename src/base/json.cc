#include "base/json.h"

#include "base/json_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace interlock {
namespace {

constexpr std::size_t kDepthMax = 64;

struct Refusal {
  enum class Token : unsigned char { key, number };

  Token token;
  std::string why;
};

/// Whether a whole number that is written with a point, such as `9007199254740993.0`, is still that
/// number. Fractions and what has an exponent are rounded to the nearest double, as everywhere.
bool keeps_integer(std::string_view text, double number) {
  const std::size_t point = text.find('.');
  const bool is_whole = point != text.npos && text.find_first_not_of('0', point + 1) == text.npos;
  return !is_whole || canonical_json(number) == text.substr(0, point) || number == 0;
}

/// Builds the value where the parser stands, each text and number straight into its place: an
/// answer may be one text of many megabytes, and is then held once. Refuses what Boost's own
/// reading lets pass: a key given twice, and numbers that would not survive being read. Without
/// `keeps_values` it only says whether the text is JSON, and remembers no more than the keys of the
/// objects it is in.
class Builder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();
  using Text = json::string_view;
  using Code = json::error_code;

  explicit Builder(bool keeps_values) : keeps_values_(keeps_values) {}

  json::value release() { return std::move(root_); }
  /// Why this handler itself refused, at the key or number that ends where the parser stopped.
  const std::optional<Refusal>& refusal() const { return refusal_; }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) {
    open_.push_back({json::object(), {}});
    return true;
  }
  bool on_object_end(std::size_t, Code&) { return close(); }
  bool on_array_begin(Code&) {
    open_.push_back({json::array(), {}});
    return true;
  }
  bool on_array_end(std::size_t, Code&) { return close(); }
  bool on_key_part(Text part, std::size_t, Code&) {
    open_.back().key.append(part.data(), part.size());
    return true;
  }
  bool on_key(Text part, std::size_t, Code& code) {
    std::string& key = open_.back().key;
    key.append(part.data(), part.size());
    if (!open_.back().value.get_object().contains(key)) return true;
    return refuse(Refusal::Token::key,
                  fmt::format("the key `{}` is given twice", elide_middle(printable(key), 60)),
                  code);
  }
  bool on_string_part(Text part, std::size_t, Code&) {
    if (keeps_values_) string_.append(part);
    return true;
  }
  bool on_string(Text part, std::size_t, Code&) {
    if (keeps_values_) string_.append(part);
    return put(std::exchange(string_, {}));
  }
  bool on_number_part(Text part, Code&) {
    digits_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t number, Text, Code&) {
    digits_.clear();
    return put(number);
  }
  bool on_uint64(std::uint64_t number, Text, Code&) {
    digits_.clear();
    return put(number);
  }
  /// Boost's own reading is off in the last place for a third of all doubles: the text is read
  /// again. An integer comes here when 64 bits are too few for it; then it must be as a double
  /// writes it.
  bool on_double(double rough, Text part, Code& code) {
    digits_.append(part.data(), part.size());
    const std::string text = std::exchange(digits_, {});
    double number = 0;  // what stays when the number is too small for a double
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    const bool overflows = error == std::errc::result_out_of_range && std::fabs(rough) > 1;
    if (!overflows && (is_integer ? canonical_json(number) == text : keeps_integer(text, number)))
      return put(number);
    const std::string shown = elide_middle(text, 30);
    return refuse(Refusal::Token::number,
                  fmt::format("the number {} is too large to keep exactly", shown), code);
  }
  bool on_bool(bool value, Code&) { return put(value); }
  bool on_null(Code&) { return put(nullptr); }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }

 private:
  /// An object or array that is not closed yet, and the key its next value belongs to.
  struct Open {
    json::value value;
    std::string key;
  };

  bool put(json::value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& around = open_.back();
    if (json::object* const object = around.value.if_object()) {
      object->emplace(around.key, keeps_values_ ? std::move(value) : json::value());
      around.key.clear();
    } else if (keeps_values_) {
      around.value.get_array().push_back(std::move(value));
    }
    return true;
  }

  bool close() {
    json::value whole = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(whole));
  }

  bool refuse(Refusal::Token token, std::string why, Code& code) {
    refusal_ = Refusal{token, std::move(why)};
    code = json::error::syntax;
    return false;
  }

  bool keeps_values_;
  std::vector<Open> open_;  // the innermost last
  json::value root_;
  json::string string_;  // of the text that comes in parts
  std::string digits_;   // of the number, likewise
  std::optional<Refusal> refusal_;
};

std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto is_character = [](char c) { return (c & 0xc0) != 0x80; };
  return fmt::format("line {}, column {}", std::ranges::count(before, '\n') + 1,
                     std::ranges::count_if(before.substr(line_start), is_character) + 1);
}

/// Where the token begins that ends at `end`; for a key, `end` is its closing quote.
std::size_t token_start(std::string_view text, std::size_t end, Refusal::Token token) {
  if (token == Refusal::Token::number) return text.find_last_not_of("0123456789+-.eE", end - 1) + 1;
  std::size_t quote = end;
  bool escaped = true;
  while (escaped) {
    quote = text.rfind('"', quote - 1);
    const std::size_t before = text.find_last_not_of('\\', quote - 1);
    escaped = (quote - before) % 2 == 0;
  }
  return quote;
}

std::string describe(const json::error_code& code, std::string_view rest) {
  if (code == json::error::incomplete) return "the document ends too early";
  if (code == json::error::extra_data) return "something follows the end of the document";
  if (code == json::error::too_deep) return fmt::format("nested more than {} deep", kDepthMax);
  if (code == json::error::exponent_overflow) return "the number's exponent is too large";
  if (code != json::error::syntax) return code.message();
  if (rest.empty()) return "the document ends too early";
  return fmt::format("unexpected `{}`", printable(rest.substr(0, 1)));
}

Result<json::value> read(std::string_view text, bool keeps_values) {
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);  // a byte order mark, which RFC 8259 lets us ignore
  if (const auto bad = first_bad_utf8(text)) {
    return fail(Error::Kind::invalid, fmt::format("{}: not UTF-8", place_of(text, *bad)));
  }
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::basic_parser<Builder> parser(options, keeps_values);
  json::error_code code;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), code);
  if (!code && read < text.size()) code = json::error::extra_data;
  if (!code) return parser.handler().release();
  if (const auto& refusal = parser.handler().refusal()) {
    return fail(Error::Kind::invalid,
                fmt::format("{}: {}", place_of(text, token_start(text, read, refusal->token)),
                            refusal->why));
  }
  return fail(Error::Kind::invalid,
              fmt::format("{}: {}", place_of(text, read), describe(code, text.substr(read))));
}

/// Writes a value as text, in the canonical form or, with an indent, in the form for people.
class Writer {
 public:
  explicit Writer(bool for_people, std::string text = {}, std::size_t depth = 0)
      : for_people_(for_people), depth_(depth), text_(std::move(text)) {}

  std::string take() { return std::move(text_); }

  void write(const json::value& value) {
    switch (value.kind()) {
      case json::kind::null: text_ += "null"; break;
      case json::kind::bool_: text_ += value.get_bool() ? "true" : "false"; break;
      case json::kind::int64: text_ += std::to_string(value.get_int64()); break;
      case json::kind::uint64: text_ += std::to_string(value.get_uint64()); break;
      case json::kind::double_: write_number(value.get_double()); break;
      case json::kind::string: write_string(value.get_string()); break;
      case json::kind::array: write_array(value.get_array()); break;
      case json::kind::object: write_object(value.get_object()); break;
    }
  }

 private:
  void write_number(double number);
  void write_string(std::string_view string);
  void write_array(const json::array& array);
  void write_object(const json::object& object);
  void new_line() {
    if (for_people_) text_.append(1, '\n').append(2 * depth_, ' ');
  }

  bool for_people_;
  std::size_t depth_;
  std::string text_;
};

/// The text ECMAScript gives a number (ECMA-262, Number::toString), as RFC 8785 asks. What is no
/// number is `null`.
void Writer::write_number(double number) {
  if (!std::isfinite(number)) {
    text_ += "null";
    return;
  }
  if (number < 0) text_ += '-';
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number),
                                          std::chars_format::scientific);
  const std::string_view shortest(buffer, end);
  const std::size_t e = shortest.find('e');
  std::string digits(shortest.substr(0, 1));
  if (e > 2) digits += shortest.substr(2, e - 2);
  int exponent = 0;
  std::from_chars(shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1), end, exponent);

  const int point = exponent + 1;  // the decimal point stands after so many digits
  const int size = static_cast<int>(digits.size());
  if (size <= point && point <= 21) {
    text_.append(digits).append(point - size, '0');
  } else if (0 < point && point <= 21) {
    text_.append(digits, 0, point).append(1, '.').append(digits, point);
  } else if (-6 < point && point <= 0) {
    text_.append("0.").append(-point, '0').append(digits);
  } else {
    text_ += digits[0];
    if (size > 1) text_.append(1, '.').append(digits, 1);
    text_ += fmt::format("e{:+}", exponent);
  }
}

void Writer::write_string(std::string_view string) {
  text_ += '"';
  for (const char c : string) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') {
      text_ += c;
      continue;
    }
    switch (c) {
      case '"': text_ += "\\\""; break;
      case '\\': text_ += "\\\\"; break;
      case '\b': text_ += "\\b"; break;
      case '\f': text_ += "\\f"; break;
      case '\n': text_ += "\\n"; break;
      case '\r': text_ += "\\r"; break;
      case '\t': text_ += "\\t"; break;
      default: text_ += fmt::format("\\u{:04x}", c);
    }
  }
  text_ += '"';
}

void Writer::write_array(const json::array& array) {
  text_ += '[';
  ++depth_;
  bool first = true;
  for (const json::value& item : array) {
    if (!std::exchange(first, false)) text_ += ',';
    new_line();
    write(item);
  }
  --depth_;
  if (!array.empty()) new_line();
  text_ += ']';
}

void Writer::write_object(const json::object& object) {
  std::vector<const json::key_value_pair*> members;
  members.reserve(object.size());
  for (const json::key_value_pair& member : object) members.push_back(&member);
  // Bytes of UTF-8 sort as the code points they stand for.
  if (!for_people_)
    std::ranges::sort(members, {}, [](const auto* member) { return member->key(); });
  text_ += '{';
  ++depth_;
  bool first = true;
  for (const json::key_value_pair* member : members) {
    if (!std::exchange(first, false)) text_ += ',';
    new_line();
    write_string(member->key());
    text_ += for_people_ ? ": " : ":";
    write(member->value());
  }
  --depth_;
  if (!members.empty()) new_line();
  text_ += '}';
}

std::string write(const json::value& value, bool for_people) {
  Writer writer(for_people);
  writer.write(value);
  return writer.take();
}

}  // namespace

Result<json::value> parse_json(std::string_view text) { return read(text, true); }

Result<void> check_json(std::string_view text) {
  if (auto value = read(text, false); !value) return std::unexpected(value.error());
  return {};
}

std::string canonical_json(const json::value& value) { return write(value, false); }

std::string pretty_json(const json::value& value) { return write(value, true) + '\n'; }

void ObjectStream::begin_member(std::string_view key) {
  text_ += std::exchange(first_, false) ? "\n  \"" : ",\n  \"";
  text_.append(key).append("\": ");
}

void ObjectStream::hand_on(std::size_t at_least) {
  if (text_.size() < at_least) return;
  out_(text_);
  text_.clear();
}

void ObjectStream::member(std::string_view key, const json::value& value) {
  begin_member(key);
  Writer writer(true, std::move(text_), 1);
  writer.write(value);
  text_ = writer.take();
}

void ObjectStream::list(std::string_view key, std::size_t count,
                        const std::function<json::value(std::size_t)>& item) {
  constexpr std::size_t kPiece = 64u << 10;
  begin_member(key);
  text_ += '[';
  for (std::size_t i = 0; i < count; ++i) {
    text_ += i == 0 ? "\n    " : ",\n    ";
    Writer writer(true, std::move(text_), 2);
    writer.write(item(i));
    text_ = writer.take();
    hand_on(kPiece);
  }
  text_ += count == 0 ? "]" : "\n  ]";
}

void ObjectStream::finish() {
  text_ += first_ ? "}\n" : "\n}\n";
  hand_on(0);
}

}  // namespace interlock
