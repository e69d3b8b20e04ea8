#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "condition/expression.h"

// From the text of a condition to its parts.
namespace interlock::condition {

namespace {

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// As ids do, but for the dot, which separates steps.
bool goes_on_name(char c) { return begins_name(c) || is_digit(c) || c == '-'; }

/// A number, a truth value or null where the text is one, else the text itself.
json::value literal_of(const std::string& text) {
  if (auto parsed = parse_json(text); parsed && !parsed->is_object() && !parsed->is_array())
    return std::move(*parsed);
  return json::value(text);
}

}  // namespace

class Parser {
 public:
  using Kind = Expression::Kind;
  using Index = std::optional<std::uint32_t>;

  Parser(std::string_view text, const Placeholders& known, Mistake& mistake)
      : given_(text), known_(known), mistake_(mistake) {}

  std::optional<Expression> parse() {
    if (given_.size() > Expression::kMaxBytes) {
      mistake_ = {
          0, 1, fmt::format("the condition is longer than {} bytes", Expression::kMaxBytes), {}};
      return std::nullopt;
    }
    text_ = given_;
    skip_space();
    if (at_end()) return wrong(0, 1, "the condition is empty"), std::nullopt;
    const Index root = disjunction();
    if (!root) return std::nullopt;
    if (!at_end()) return unexpected(), std::nullopt;
    if (!may_be_truth(*root)) return std::nullopt;
    made_.root_ = *root;
    made_.text_ = std::move(text_);
    return std::move(made_);
  }

 private:
  // Text. What a placeholder stands for replaces it in `text_`; `shift_` brings places back to what
  // was given.

  bool at_end() const { return at_ >= text_.size(); }
  char here() const { return at_end() ? '\0' : text_[at_]; }
  bool starts(std::string_view word) const {
    return std::string_view(text_).substr(at_).starts_with(word);
  }
  void skip_space() {
    while (!at_end() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool take(std::string_view sign) {
    if (!starts(sign)) return false;
    at_ += sign.size();
    skip_space();
    return true;
  }
  bool is_word(std::string_view word) const {
    if (!starts(word)) return false;
    const std::size_t end = at_ + word.size();
    return end >= text_.size() || !(goes_on_name(text_[end]) || text_[end] == '.');
  }
  bool take_word(std::string_view word) { return is_word(word) && take(word); }

  Index wrong(std::size_t begin, std::size_t length, std::string message, std::string hint = {}) {
    const auto given = [&](std::size_t at) {
      return at - static_cast<std::size_t>(
                      std::min<std::ptrdiff_t>(shift_, static_cast<std::ptrdiff_t>(at)));
    };
    mistake_ = {given(begin), std::max<std::size_t>(1, length), std::move(message),
                std::move(hint)};
    return std::nullopt;
  }
  Index unexpected() {
    const std::size_t begin = at_;
    if (at_end())
      return wrong(begin == 0 ? 0 : begin - 1, 1, "the condition ends where a value should come");
    if (starts("&&")) return wrong(begin, 2, "`&&` is not known here", "write `and`");
    if (starts("||")) return wrong(begin, 2, "`||` is not known here", "write `or`");
    if (here() == '!') return wrong(begin, 1, "`!` is not known here", "write `not`");
    if (here() == '=') return wrong(begin, 1, "`=` compares nothing", "write `==`");
    if (begins_name(here())) {
      std::size_t end = at_;
      while (end < text_.size() && goes_on_name(text_[end])) ++end;
      const std::string word = text_.substr(at_, end - at_);
      return wrong(begin, word.size(), fmt::format("`{}` is no value here", printable(word)),
                   "values are numbers, 'texts', true, false, null, `outputs.ID` and `outcome.ID`");
    }
    return wrong(
        begin, 1,
        fmt::format("`{}` was not expected here", printable(text_.substr(begin, length_here()))));
  }
  /// Bytes of the character that stands here.
  std::size_t length_here() const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xc0) == 0x80) ++end;
    return end - at_;
  }

  // Parts.

  std::uint32_t add(Kind kind, std::size_t begin, std::vector<std::uint32_t> parts = {}) {
    std::size_t end = at_;
    while (end > begin && std::string_view(" \t\r\n").contains(text_[end - 1])) --end;
    made_.nodes_.push_back({kind, begin, end - begin, std::move(parts), nullptr, 0});
    return static_cast<std::uint32_t>(made_.nodes_.size() - 1);
  }
  std::uint32_t add_literal(json::value value, std::size_t begin) {
    const std::uint32_t index = add(Kind::literal, begin);
    made_.nodes_[index].literal = std::move(value);
    return index;
  }

  /// Whether it can be true or false; what cannot is a mistake.
  bool may_be_truth(std::uint32_t index) {
    const Expression::Node& node = made_.nodes_[index];
    const bool never =
        node.kind == Kind::list || (node.kind == Kind::literal && !node.literal.is_bool());
    if (never)
      wrong(node.begin, node.length,
            fmt::format("`{}` is neither true nor false",
                        printable(text_.substr(node.begin, node.length))),
            "compare it with something");
    return !never;
  }

  /// Parts of one kind, with `word` between them.
  template <typename Next>
  Index chain(Kind kind, std::string_view word, const Next& next) {
    const std::size_t begin = at_;
    const Index first = next();
    if (!first || !is_word(word)) return first;
    std::vector<std::uint32_t> parts{*first};
    if (!may_be_truth(*first)) return std::nullopt;
    while (take_word(word)) {
      const Index one = next();
      if (!one || !may_be_truth(*one)) return std::nullopt;
      parts.push_back(*one);
    }
    return add(kind, begin, std::move(parts));
  }
  Index disjunction() {
    if (++depth_ > Expression::kMaxDepth)
      return wrong(at_, 1, fmt::format("more than {} deep", Expression::kMaxDepth));
    const Index made = chain(Kind::disjunction, "or", [this] {
      return chain(Kind::conjunction, "and", [this] { return negation(); });
    });
    --depth_;
    return made;
  }
  Index negation() {
    const std::size_t begin = at_;
    if (!take_word("not")) return comparison();
    if (++depth_ > Expression::kMaxDepth)
      return wrong(at_, 1, fmt::format("more than {} deep", Expression::kMaxDepth));
    const Index inner = negation();
    --depth_;
    if (!inner || !may_be_truth(*inner)) return std::nullopt;
    return add(Kind::negation, begin, {*inner});
  }

  std::optional<Kind> comparison_here() {
    static constexpr std::pair<std::string_view, Kind> kSigns[] = {
        {"==", Kind::equal},    {"!=", Kind::unequal}, {"<=", Kind::at_most},
        {">=", Kind::at_least}, {"<", Kind::less},     {">", Kind::greater}};
    for (const auto& [sign, kind] : kSigns) {
      if (take(sign)) return kind;
    }
    if (take_word("in")) return Kind::contained;
    const std::size_t before = at_;
    if (take_word("not") && take_word("in")) return Kind::not_contained;
    at_ = before;
    return std::nullopt;
  }
  Index comparison() {
    const std::size_t begin = at_;
    const Index left = value();
    if (!left) return std::nullopt;
    const auto kind = comparison_here();
    if (!kind) return left;
    const Index right = value();
    if (!right) return std::nullopt;
    const std::uint32_t made = add(*kind, begin, {*left, *right});
    const std::size_t again = at_;
    if (comparison_here())
      return wrong(again, 1, "one comparison after the other means nothing",
                   "join two of them with `and`");
    return made;
  }

  Index value() {
    const std::size_t begin = at_;
    if (take("(")) {
      const Index inner = disjunction();
      if (!inner) return std::nullopt;
      if (!take(")")) return wrong(begin, 1, "this `(` is not closed");
      return inner;
    }
    if (here() == '[') return list();
    if (here() == '\'' || here() == '"') {
      auto text = quoted();
      if (!text) return std::nullopt;
      return add_literal(json::value(*text), begin);
    }
    if (is_digit(here()) || here() == '-') return number();
    if (here() == '{') return braced();
    if (take_word("true")) return add_literal(true, begin);
    if (take_word("false")) return add_literal(false, begin);
    if (take_word("null")) return add_literal(nullptr, begin);
    return reference();
  }

  Index list() {
    const std::size_t begin = at_;
    if (++depth_ > Expression::kMaxDepth)
      return wrong(at_, 1, fmt::format("more than {} deep", Expression::kMaxDepth));
    take("[");
    std::vector<std::uint32_t> parts;
    while (!take("]")) {
      if (!parts.empty() && !take(",")) return wrong(begin, 1, "this `[` is not closed");
      const Index one = value();
      if (!one) return std::nullopt;
      parts.push_back(*one);
    }
    --depth_;
    return add(Kind::list, begin, std::move(parts));
  }

  /// A doubled quote, or a backslash before it, is the quote itself.
  std::optional<std::string> quoted() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    std::string value;
    while (!at_end()) {
      const char next = text_[at_++];
      if (next == quote && here() != quote) return skip_space(), value;
      if (next == quote || (next == '\\' && (here() == quote || here() == '\\'))) {
        value += text_[at_++];
        continue;
      }
      value += next;
    }
    wrong(begin, 1, "this text has no end", "close it with the quote it begins with");
    return std::nullopt;
  }

  Index number() {
    const std::size_t begin = at_;
    std::size_t end = at_ + 1;
    while (end < text_.size() &&
           (is_digit(text_[end]) || std::string_view("+-.eE").contains(text_[end])))
      ++end;
    const std::string written = text_.substr(begin, end - begin);
    auto parsed = parse_json(written);
    if (!parsed || !parsed->is_number())
      return wrong(begin, written.size(), fmt::format("`{}` is not a number", printable(written)));
    at_ = end;
    skip_space();
    return add_literal(std::move(*parsed), begin);
  }

  /// `{outputs.x}` is as without braces; any other name is filled in where it is known.
  Index braced() {
    const std::size_t begin = at_;
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '}' && text_[end] != '{') ++end;
    if (end >= text_.size() || text_[end] != '}') return wrong(begin, 1, "this `{` is not closed");
    const std::string name = text_.substr(begin + 1, end - begin - 1);
    if (name.starts_with("outputs") || name.starts_with("outcome")) {
      ++at_;
      skip_space();
      const Index inner = reference();
      if (!inner) return std::nullopt;
      if (!take("}")) return wrong(begin, 1, "this `{` is not closed");
      return inner;
    }
    const auto value = known_ ? known_(name) : std::nullopt;
    if (!value)
      return wrong(begin, end + 1 - begin,
                   fmt::format("`{{{}}}` is known to nobody here", printable(name)),
                   "`{item}` is known in a task with `foreach`, `{key}` by `--set key=value`");
    json::value literal = literal_of(*value);
    // Written as a literal, which holds no brace that would be read again.
    const std::string written = written_as(literal);
    text_.replace(begin, end + 1 - begin, written);
    shift_ +=
        static_cast<std::ptrdiff_t>(written.size()) - static_cast<std::ptrdiff_t>(end + 1 - begin);
    at_ = begin + written.size();
    skip_space();
    return add_literal(std::move(literal), begin);
  }

  static std::string written_as(const json::value& literal) {
    if (!literal.is_string()) return shown(literal);
    std::string text = "'";
    for (const char c : std::string_view(literal.get_string())) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    return text + "'";
  }

  Index reference() {
    const std::size_t begin = at_;
    const bool outcome = starts("outcome") && !starts("outcomes");
    const std::string_view root = outcome ? "outcome" : "outputs";
    const std::size_t end = begin + root.size();
    const bool leads_on = end < text_.size() && (text_[end] == '.' || text_[end] == '[');
    if (!starts(root) || !leads_on) {
      if (starts("output.")) return wrong(begin, 6, "`output` is not known", "write `outputs`");
      if (starts("outcomes.")) return wrong(begin, 8, "`outcomes` is not known", "write `outcome`");
      return unexpected();
    }
    at_ = end;
    Reference made;
    made.is_outcome = outcome;
    while (here() == '.' || here() == '[') {
      auto step = here() == '.' ? named_step() : bracketed_step();
      if (!step) return std::nullopt;
      made.steps.push_back(std::move(*step));
    }
    made.begin = begin - static_cast<std::size_t>(
                             std::min<std::ptrdiff_t>(shift_, static_cast<std::ptrdiff_t>(begin)));
    made.length = at_ - begin;
    skip_space();
    const std::uint32_t index = add(Kind::reference, begin);
    made_.nodes_[index].reference = made_.references_.size();
    made_.references_.push_back(std::move(made));
    return index;
  }
  std::optional<Step> named_step() {
    const std::size_t begin = at_ + 1;
    std::size_t end = begin;
    while (end < text_.size() && goes_on_name(text_[end])) ++end;
    if (end == begin) {
      wrong(at_, 1, "a name should follow this dot", "other names stand as ['a name']");
      return std::nullopt;
    }
    at_ = end;
    return Step{text_.substr(begin, end - begin), std::nullopt};
  }
  std::optional<Step> bracketed_step() {
    const std::size_t begin = at_;
    ++at_;
    skip_space();
    Step step;
    if (here() == '\'' || here() == '"') {
      auto name = quoted();
      if (!name) return std::nullopt;
      step.name = std::move(*name);
    } else {
      std::size_t index = 0;
      const char* const last = text_.data() + text_.size();
      const auto [end, error] = std::from_chars(text_.data() + at_, last, index);
      if (error != std::errc{}) {
        wrong(begin, 1, "a place in a list or a 'name' should follow this bracket");
        return std::nullopt;
      }
      step.index = index;
      at_ = static_cast<std::size_t>(end - text_.data());
      skip_space();
    }
    if (here() != ']') {
      wrong(begin, 1, "this `[` is not closed");
      return std::nullopt;
    }
    ++at_;
    return step;
  }

  std::string_view given_;
  const Placeholders& known_;
  Mistake& mistake_;
  std::string text_;
  std::ptrdiff_t shift_ = 0;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  Expression made_;
};

std::optional<Expression> Expression::parse(std::string_view text, const Placeholders& known,
                                            Mistake& mistake) {
  return Parser(text, known, mistake).parse();
}

}  // namespace interlock::condition
