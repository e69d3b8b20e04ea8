// From a JSON text to a Document, ten times as fast as by the events of a YAML parser: plans that
// programs write are JSON. Whatever is not plainly JSON, or needs a word said about it, is left to
// the YAML parser, which knows all of the rules.

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/text.h"
#include "plan/document.h"

namespace interlock::plan {

namespace {

/// What stands in a string as it is.
constexpr auto kOfString = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < plain.size(); ++c) plain[c] = c != '"' && c != '\\' && c != 0x7f;
  return plain;
}();

constexpr std::uint64_t bit_of(std::string_view key) {
  std::uint64_t sum = key.size();
  for (const char c : key) sum = sum * 31 + static_cast<unsigned char>(c);
  return std::uint64_t{1} << (sum * 0x9e3779b97f4a7c15 >> 58);
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 8259, section 6, and the three words of section 3.
bool is_json_word(std::string_view word) {
  if (word == "true" || word == "false" || word == "null") return true;
  std::size_t at = word.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < word.size() && is_digit(word[at])) ++at;
    return at - from;
  };
  const bool leads_with_zero = at < word.size() && word[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leads_with_zero && whole > 1)) return false;
  if (at < word.size() && word[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < word.size() && (word[at] == 'e' || word[at] == 'E')) {
    ++at;
    if (at < word.size() && (word[at] == '+' || word[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == word.size();
}

void put_utf8(unsigned code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

/// The four digits of `\uXXXX`. Halves of a pair and NUL are nothing.
std::optional<unsigned> code_of(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  unsigned code = 0;
  for (const char c : digits.substr(0, 4)) {
    const auto lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
    code = code * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  if (code == 0 || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  return code;
}

/// What stands between the quotes, decoded; nothing where it is left to another.
std::optional<std::string> decoded(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '\\') {
      text += raw[at];
      continue;
    }
    if (++at == raw.size()) return std::nullopt;
    static constexpr std::string_view kShort = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (const std::size_t which = kShort.find(raw[at]); which != kShort.npos) {
      text += kMeant[which];
    } else if (raw[at] == 'u') {
      const auto code = code_of(raw.substr(at + 1));
      if (!code) return std::nullopt;
      put_utf8(*code, text);
      at += 4;
    } else {
      return std::nullopt;
    }
  }
  return text;
}

}  // namespace

class JsonReader {
 public:
  explicit JsonReader(std::string_view source) : source_(source) { document_.source_ = source; }

  std::optional<Document> read() {
    if (first_bad_utf8(source_)) return std::nullopt;
    document_.nodes_.reserve(source_.size() / 8);
    skip_blanks();
    if (!at('{') || !value()) return std::nullopt;
    skip_blanks();
    if (at_ != source_.size()) return std::nullopt;
    return std::move(document_);
  }

 private:
  /// YAML takes no longer key on one line.
  static constexpr std::size_t kLongestKey = 1000;

  bool at(char c) const { return at_ < source_.size() && source_[at_] == c; }
  void skip_blanks() {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
  }

  /// `end`: of its place.
  std::optional<std::uint32_t> add(Document::Data data, std::size_t begin, std::size_t end) {
    if (document_.nodes_.size() >= Document::kMaxNodes) return std::nullopt;
    data.begin = static_cast<std::uint32_t>(begin);
    data.length = static_cast<std::uint32_t>(std::max<std::size_t>(end - begin, 1));
    document_.nodes_.push_back(data);
    return static_cast<std::uint32_t>(document_.nodes_.size() - 1);
  }

  bool value() {
    skip_blanks();
    if (at('{')) return container(Node::Kind::map);
    if (at('[')) return container(Node::Kind::list);
    return scalar().has_value();
  }

  std::optional<std::uint32_t> scalar() { return at('"') ? string() : word(); }

  std::optional<std::uint32_t> word() {
    const std::size_t begin = at_;
    while (at_ < source_.size() && !is_blank(source_[at_]) && source_[at_] != ',' &&
           source_[at_] != ']' && source_[at_] != '}')
      ++at_;
    const std::string_view text = source_.substr(begin, at_ - begin);
    if (!is_json_word(text)) return std::nullopt;
    return add({.plain = true,
                .text = static_cast<std::uint32_t>(begin),
                .size = static_cast<std::uint32_t>(text.size())},
               begin, at_);
  }

  std::optional<std::uint32_t> string() {
    const std::size_t begin = at_++;
    bool escapes = false;
    while (true) {
      while (at_ < source_.size() && kOfString[static_cast<unsigned char>(source_[at_])]) ++at_;
      if (at_ >= source_.size() || source_[at_] == '"') break;
      if (source_[at_] != '\\') return std::nullopt;
      escapes = true;
      at_ += 2;
    }
    if (at_ >= source_.size()) return std::nullopt;
    const std::string_view raw = source_.substr(begin + 1, at_ - begin - 1);
    ++at_;
    Document::Data data{.text = static_cast<std::uint32_t>(begin + 1),
                        .size = static_cast<std::uint32_t>(raw.size())};
    if (escapes) {
      const auto text = decoded(raw);
      if (!text) return std::nullopt;
      data.copied = true;
      data.text = document_.add_copy(*text);
      data.size = static_cast<std::uint32_t>(text->size());
    }
    // The quotes are no part of its place.
    return add(data, begin + 1, at_ - 1);
  }

  bool container(Node::Kind kind) {
    if (++depth_ >= Document::kMaxDepth) return false;
    const bool is_map = kind == Node::Kind::map;
    const char end = is_map ? '}' : ']';
    const std::size_t begin = at_++;
    const auto node = add({.kind = kind}, begin, at_);
    if (!node) return false;
    std::uint32_t last = Document::kNone;
    const auto link = [&](std::uint32_t child) {
      (last == Document::kNone ? document_.nodes_[*node].first : document_.nodes_[last].next) =
          child;
      last = child;
    };
    skip_blanks();
    std::uint32_t count = 0;
    // One bit of each key: two that share none are two.
    std::uint64_t keys = 0;
    bool may_repeat = false;
    for (; !at(end); ++count) {
      if (count > 0) {
        if (!at(',')) return false;
        ++at_;
        skip_blanks();
      }
      if (is_map) {
        if (!at('"')) return false;
        const auto key = string();
        if (!key || document_.nodes_[*key].size > kLongestKey) return false;
        link(*key);
        const std::uint64_t bit = bit_of(Node(document_, *key).text());
        may_repeat = may_repeat || (keys & bit) != 0;
        keys |= bit;
        skip_blanks();
        if (!at(':')) return false;
        ++at_;
      }
      const auto child = static_cast<std::uint32_t>(document_.nodes_.size());
      if (!value()) return false;
      link(child);
      skip_blanks();
    }
    ++at_;
    document_.nodes_[*node].size = count;
    --depth_;
    return !may_repeat || keys_differ(*node);
  }

  /// A key that is there twice is told of by the other parser.
  bool keys_differ(std::uint32_t map) const {
    constexpr std::uint32_t kFew = 24;
    std::array<std::string_view, kFew> few{};
    std::unordered_set<std::string_view> many;
    std::uint32_t seen = 0;
    for (auto key = document_.nodes_[map].first; key != Document::kNone; ++seen) {
      const std::string_view text = Node(document_, key).text();
      if (document_.nodes_[map].size > kFew) {
        if (!many.insert(text).second) return false;
      } else {
        const auto end = few.begin() + seen;
        if (std::find(few.begin(), end, text) != end) return false;
        few.at(seen) = text;
      }
      key = document_.nodes_[document_.nodes_[key].next].next;
    }
    return true;
  }

  std::string_view source_;
  Document document_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

std::optional<Document> Document::parse_json(std::string_view source) {
  return JsonReader(source).read();
}

}  // namespace interlock::plan
