#include "cli/settings_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace interlock::cli {
namespace {

constexpr int kDepthMax = 64;

/// A value of the document, where it stands.
struct Node {
  enum class Kind : unsigned char { object, array, other };
  struct Member {
    std::string key;  ///< Empty in a list.
    std::size_t begin = 0;
    std::vector<Node> value;  ///< One.
  };
  Kind kind = Kind::other;
  std::size_t begin = 0, end = 0;
  std::vector<Member> members;
  std::size_t trailing_comma = 0;  ///< Where it stands; 0: there is none.
};

/// JSON as RFC 8259 has it, with comments and a comma after the last member.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Node> document() {
    Node node = value(0);
    skip();
    if (wrong_.empty() && at_ < text_.size()) complain("something stands after its end");
    if (wrong_.empty()) return node;
    return fail(Error::Kind::invalid, wrong_);
  }

 private:
  void complain(const std::string& what) {
    if (!wrong_.empty()) return;
    const auto line = std::ranges::count(text_.substr(0, std::min(at_, text_.size())), '\n') + 1;
    wrong_ = fmt::format("it is not JSON: line {}: {}", line, what);
  }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip() {
    for (;;) {
      while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
      if (text_.substr(at_).starts_with("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_).starts_with("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return complain("a comment has no end");
        at_ = end + 2;
      } else {
        return;
      }
    }
  }

  std::string string() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n')
      at_ += text_[at_] == '\\' ? 2 : 1;
    if (next() != '"') {
      complain("a text has no end");
      return {};
    }
    ++at_;
    const auto parsed = parse_json(text_.substr(begin, at_ - begin));
    if (!parsed || !parsed->is_string()) complain("a text is not well-formed");
    return parsed && parsed->is_string() ? std::string(parsed->get_string()) : std::string();
  }

  Node value(int depth) {
    skip();
    Node node;
    node.begin = at_;
    if (depth > kDepthMax) {
      complain("it is too deep");
    } else if (next() == '{' || next() == '[') {
      node.kind = next() == '{' ? Node::Kind::object : Node::Kind::array;
      members(node, depth);
    } else if (next() == '"') {
      string();
    } else {
      while (at_ < text_.size() && !std::string_view(" \t\r\n,]}/").contains(text_[at_])) ++at_;
      if (!parse_json(text_.substr(node.begin, at_ - node.begin))) complain("a value is missing");
    }
    node.end = at_;
    return node;
  }

  void members(Node& node, int depth) {
    const bool is_object = node.kind == Node::Kind::object;
    const char close = is_object ? '}' : ']';
    ++at_;
    for (;;) {
      skip();
      if (!wrong_.empty()) return;
      if (next() == close) break;
      if (!node.members.empty() && node.trailing_comma == 0) return complain("a comma is missing");
      node.trailing_comma = 0;
      Node::Member member;
      member.begin = at_;
      if (is_object) {
        if (next() != '"') return complain("a name is missing");
        member.key = string();
        skip();
        if (next() != ':') return complain("a colon is missing");
        ++at_;
      }
      member.value.push_back(value(depth + 1));
      node.members.push_back(std::move(member));
      skip();
      if (next() != ',') continue;
      node.trailing_comma = at_++;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string wrong_;
};

/// Without comments and trailing commas.
std::string plain(std::string_view text, const Node& node) {
  if (node.kind == Node::Kind::other)
    return std::string(text.substr(node.begin, node.end - node.begin));
  std::string all;
  for (const Node::Member& member : node.members) {
    if (!all.empty()) all += ',';
    if (node.kind == Node::Kind::object) all += canonical_json(json::string(member.key)) + ":";
    all += plain(text, member.value.front());
  }
  return node.kind == Node::Kind::object ? "{" + all + "}" : "[" + all + "]";
}

/// The white space that the line at `at` begins with; nothing where something else stands before
/// `at`.
std::optional<std::string> indent_at(std::string_view text, std::size_t at) {
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  const std::string_view before = text.substr(line, at - line);
  if (before.find_first_not_of(" \t") != std::string_view::npos) return std::nullopt;
  return std::string(before);
}

/// The white space of the line that holds `at`.
std::string indent_of_line(std::string_view text, std::size_t at) {
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  const std::size_t end = std::min(text.find_first_not_of(" \t", line), text.size());
  return std::string(text.substr(line, end - line));
}

std::string indented(std::string text, const std::string& indent) {
  while (text.ends_with('\n')) text.pop_back();
  std::string all;
  for (const char c : text) {
    all += c;
    if (c == '\n') all += indent;
  }
  return all;
}

/// After the last member of an object or list.
Added insertion(std::string_view text, const Node& node, const std::string& key,
                const json::value& value) {
  const std::string outer = indent_of_line(text, node.begin);
  std::string inner = outer + "  ";
  if (!node.members.empty()) inner = indent_at(text, node.members.front().begin).value_or(inner);
  std::string member = key.empty() ? "" : canonical_json(json::string(key)) + ": ";
  member += pretty_json(value);
  member = inner + indented(std::move(member), inner);
  if (node.members.empty())
    return {node.begin + 1, "\n" + member + (text[node.begin + 1] == '\n' ? "" : "\n" + outer)};
  const std::size_t last = node.members.back().value.front().end;
  if (node.trailing_comma == 0) return {last, ",\n" + member};
  return {node.trailing_comma + 1, "\n" + member + ","};
}

json::value nested(std::span<const std::string> keys, json::value value) {
  for (std::size_t i = keys.size(); i > 0; --i)
    value = json::object{{keys[i - 1], std::move(value)}};
  return value;
}

/// The node at the path, or the last one on the way to it and how many steps led there.
struct Reached {
  const Node* node = nullptr;
  std::size_t steps = 0;
};
Result<Reached> follow(const Node& root, std::span<const std::string> path) {
  Reached reached{&root, 0};
  for (const std::string& key : path) {
    if (reached.node->kind != Node::Kind::object) {
      return fail(Error::Kind::refused, reached.steps == 0
                                            ? std::string("it is not an object")
                                            : fmt::format("`{}` in it is not an object",
                                                          printable(path[reached.steps - 1])));
    }
    const auto found = std::ranges::find(reached.node->members, key, &Node::Member::key);
    if (found == reached.node->members.end()) return reached;
    reached.node = &found->value.front();
    ++reached.steps;
  }
  return reached;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Added whole(std::span<const std::string> path, const json::value& value) {
  return {0, pretty_json(nested(path, value))};
}

}  // namespace

Result<std::optional<Added>> add_member(std::string_view document,
                                        std::span<const std::string> path,
                                        const json::value& value) {
  if (is_blank(document)) return whole(path, value);
  const auto root = Reader(document).document();
  if (!root) return std::unexpected(root.error());
  const auto reached = follow(*root, path);
  if (!reached) return std::unexpected(reached.error());
  if (reached->steps == path.size()) {
    const auto there = parse_json(plain(document, *reached->node));
    if (there && canonical_json(*there) == canonical_json(value)) return std::nullopt;
    return fail(Error::Kind::refused,
                fmt::format("it has another `{}` already", printable(path.back())));
  }
  return insertion(document, *reached->node, path[reached->steps],
                   nested(path.subspan(reached->steps + 1), value));
}

Result<std::optional<Added>> add_element(std::string_view document,
                                         std::span<const std::string> path,
                                         const json::value& value, std::string_view mark) {
  const json::array list{value};
  if (is_blank(document)) return whole(path, list);
  const auto root = Reader(document).document();
  if (!root) return std::unexpected(root.error());
  const auto reached = follow(*root, path);
  if (!reached) return std::unexpected(reached.error());
  if (reached->steps < path.size())
    return insertion(document, *reached->node, path[reached->steps],
                     nested(path.subspan(reached->steps + 1), list));
  const Node& there = *reached->node;
  if (there.kind != Node::Kind::array)
    return fail(Error::Kind::refused,
                fmt::format("`{}` in it is not a list", printable(path.back())));
  if (document.substr(there.begin, there.end - there.begin).contains(mark)) return std::nullopt;
  return insertion(document, there, {}, value);
}

std::string with(std::string_view document, const Added& added) {
  std::string text(document.substr(0, added.offset));
  text += added.text;
  text += document.substr(added.offset);
  return text;
}

std::optional<std::string> without(std::string_view document, const std::string& added) {
  const std::size_t at = document.find(added);
  if (at == std::string_view::npos) return std::nullopt;
  std::string text(document.substr(0, at));
  text += document.substr(at + added.size());
  return text;
}

}  // namespace interlock::cli
