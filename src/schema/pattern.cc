#include "schema/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace interlock::schema {
namespace {

/// ECMA's white space and line ends, as the inside of a class, and everything else.
constexpr std::string_view kSpace =
    R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view kNotSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";

/// Long names of general categories (Unicode 5.7.1) that RE2 knows by their short ones.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kCategories{{
    {"Letter", "L"},
    {"Lowercase_Letter", "Ll"},
    {"Uppercase_Letter", "Lu"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"Letter_Number", "Nl"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Other", "C"},
}};

class Translation {
 public:
  explicit Translation(std::string_view ecma) : rest_(ecma) {}

  Result<std::string> run() {
    while (!rest_.empty() && problem_.empty())
      rest_.front() == '[' && !in_class_ ? open_class() : step();
    if (problem_.empty() && in_class_) problem_ = "a `[` without its `]`";
    if (!problem_.empty()) return fail(Error::Kind::invalid, problem_);
    return std::move(out_);
  }

 private:
  void step() {
    if (rest_.front() == '\\') return escape();
    if (in_class_) return class_character();
    if (rest_.starts_with("(?")) return group();
    if (rest_.front() == '.') {
      out_ += R"([^\n\r\x{2028}\x{2029}])";
      rest_.remove_prefix(1);
      return;
    }
    copy(1);
  }

  void open_class() {
    rest_.remove_prefix(1);
    const bool negated = take("^");
    // Empty classes are possible in ECMA and not in RE2.
    if (take("]")) {
      out_ += negated ? R"([\x{0}-\x{10ffff}])" : R"([^\x{0}-\x{10ffff}])";
      return;
    }
    out_ += negated ? "[^" : "[";
    in_class_ = true;
  }

  void class_character() {
    if (rest_.front() == ']') in_class_ = false;
    if (rest_.front() == '[') out_ += '\\';  // RE2 would see `[:alpha:]` here.
    copy(1);
  }

  void group() {
    if (rest_.starts_with("(?:")) return copy(3);
    const bool looks = rest_.starts_with("(?=") || rest_.starts_with("(?!") ||
                       rest_.starts_with("(?<=") || rest_.starts_with("(?<!");
    if (looks) {
      problem_ = "looking ahead or behind (`" + std::string(rest_.substr(0, 3)) +
                 "`) would make matching slow";
    } else if (take("(?<")) {
      out_ += "(?P<";
    } else {
      problem_ = fmt::format("`{}` is not a group", rest_.substr(0, 3));
    }
  }

  void escape() {
    if (rest_.size() < 2) {
      problem_ = "a `\\` at the end";
      return;
    }
    const char c = rest_[1];
    if (std::string_view("^$\\.*+?()[]{}|/-").find(c) != std::string_view::npos) return copy(2);
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'v': return copy(2);
      case 's': return space(kSpace);
      case 'S': return space(kNotSpace);
      case 'b':
      case 'B': return boundary(c);
      case 'p':
      case 'P': return property();
      case 'u': return unicode();
      case 'x': return number(2, 2);
      case 'c': return control();
      case '0': return null();
      default:
        problem_ = c == 'k' || (c >= '1' && c <= '9') ? "a back reference would make matching slow"
                                                      : fmt::format("`\\{}` has no meaning", c);
    }
  }

  void space(std::string_view inside) {
    out_ += in_class_ ? std::string(inside) : "[" + std::string(inside) + "]";
    rest_.remove_prefix(2);
  }
  void boundary(char c) {
    if (!in_class_) return copy(2);
    if (c == 'B') problem_ = "`\\B` has no meaning in a class";
    put(0x08);
    rest_.remove_prefix(2);
  }
  void control() {
    const char letter = rest_.size() > 2 ? rest_[2] : '\0';
    if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')))
      problem_ = "`\\c` without its letter";
    put(static_cast<std::uint32_t>(letter) % 32);
    rest_.remove_prefix(std::min<std::size_t>(3, rest_.size()));
  }
  void null() {
    if (rest_.size() > 2 && rest_[2] >= '0' && rest_[2] <= '9')
      problem_ = "octal escapes have no meaning";
    put(0);
    rest_.remove_prefix(2);
  }

  void property() {
    const std::size_t close = rest_.find('}');
    if (!rest_.substr(2).starts_with("{") || close == std::string_view::npos) {
      problem_ = "`\\p` without its `{...}`";
      return;
    }
    std::string_view name = rest_.substr(3, close - 3);
    for (const std::string_view prefix : {"General_Category=", "gc=", "Script=", "sc="}) {
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    }
    for (const auto& [longer, shorter] : kCategories) {
      if (name == longer) name = shorter;
    }
    out_ += fmt::format("\\{}{{{}}}", rest_[1], name);
    rest_.remove_prefix(close + 1);
  }

  void unicode() {
    if (rest_.substr(2).starts_with("{")) {
      const std::size_t close = rest_.find('}');
      return close == std::string_view::npos ? void(problem_ = "`\\u{` without its `}`")
                                             : number(3, close - 3, 1);
    }
    const auto high = hex(rest_.substr(2), 4);
    const auto low = rest_.substr(6 <= rest_.size() ? 6 : rest_.size()).starts_with("\\u")
                         ? hex(rest_.substr(8), 4)
                         : std::nullopt;
    if (high && low && *high >= 0xD800 && *high <= 0xDBFF && *low >= 0xDC00 && *low <= 0xDFFF) {
      put(0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00));
      rest_.remove_prefix(12);
      return;
    }
    number(2, 4);
  }

  static std::optional<std::uint32_t> hex(std::string_view text, std::size_t digits) {
    std::uint32_t value = 0;
    if (text.size() < digits || digits == 0 || digits > 8) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, 16);
    return error == std::errc() && end == text.data() + digits ? std::optional(value)
                                                               : std::nullopt;
  }

  /// A code point in `digits` hexadecimal digits at `from`, with `closing` characters after them.
  void number(std::size_t from, std::size_t digits, std::size_t closing = 0) {
    const auto value = hex(rest_.substr(std::min(from, rest_.size())), digits);
    const bool fits = value && *value <= 0x10FFFF && !(*value >= 0xD800 && *value <= 0xDFFF);
    if (!fits) {
      problem_ = fmt::format("`\\{}` without a character's number", rest_[1]);
      return;
    }
    put(*value);
    rest_.remove_prefix(from + digits + closing);
  }

  void put(std::uint32_t code_point) { out_ += fmt::format("\\x{{{:x}}}", code_point); }
  void copy(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string_view rest_;
  std::string out_;
  std::string problem_;
  bool in_class_ = false;
};

}  // namespace

Result<std::string> translate_pattern(std::string_view ecma) { return Translation(ecma).run(); }

Pattern::Pattern(std::string text, std::unique_ptr<re2::RE2> compiled)
    : text_(std::move(text)), compiled_(std::move(compiled)) {}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Result<Pattern> Pattern::parse(std::string_view ecma) {
  const auto cannot = [&](const std::string& why) {
    return fail(Error::Kind::invalid,
                fmt::format("the pattern `{}` cannot be used: {}", ecma, why));
  };
  const auto translated = translate_pattern(ecma);
  if (!translated) return cannot(translated.error().message);
  re2::RE2::Options options(re2::RE2::Quiet);
  auto compiled = std::make_unique<re2::RE2>(*translated, options);
  if (!compiled->ok()) return cannot(compiled->error());
  return Pattern(std::string(ecma), std::move(compiled));
}

bool Pattern::is_in(std::string_view text) const {
  return re2::RE2::PartialMatch({text.data(), text.size()}, *compiled_);
}

}  // namespace interlock::schema
