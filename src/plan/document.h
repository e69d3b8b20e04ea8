#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/problems.h"

namespace interlock::plan {

class Document;

/// A value of the document: a handle, cheap to copy, valid as long as its document.
class Node {
 public:
  enum class Kind : unsigned char { scalar, list, map };

  Node(const Document& document, std::uint32_t index) : document_(&document), index_(index) {}

  Kind kind() const;
  bool is_scalar() const { return kind() == Kind::scalar; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_map() const { return kind() == Kind::map; }
  /// A plain scalar was written without quotes: it alone can be a number, a boolean or nothing.
  bool is_plain() const;
  /// `null`, `~` or nothing at all (the null of the YAML 1.2 core schema).
  bool is_null() const;
  /// `{item}` without quotes: YAML reads a map of one key without a value.
  bool is_unquoted_placeholder() const;

  std::string_view text() const;
  std::size_t size() const;
  std::vector<Node> items() const;
  std::vector<std::pair<Node, Node>> entries() const;
  /// The same one after the other: nothing where it is no list, or no map.
  template <typename Visit>
  void visit_items(const Visit& visit) const;
  template <typename Visit>
  void visit_entries(const Visit& visit) const;
  std::optional<Node> member(std::string_view key) const;

  /// Where it stands: for an alias, where the alias stands.
  Span span() const;

 private:
  const Document* document_;
  std::uint32_t index_;
};

/// A YAML document as a tree that keeps the text and the place of everything.
/// Typing is left to the reader, so `no` and `1.10` stay what was written until a number is asked
/// for.
class Document {
 public:
  static constexpr std::size_t kMaxBytes = 256u << 20;     ///< Of a text that is plain JSON.
  static constexpr std::size_t kMaxYamlBytes = 64u << 20;  ///< Of any other: it takes more memory.
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxNodes = 20'000'000;
  static constexpr std::size_t kMaxAliased = 1'000'000;  ///< Nodes seen through aliases.

  /// Nothing when the text is no YAML document at all; `problems` then says why.
  /// The source must outlive the document.
  static std::optional<Document> parse(const SourceText& source, Problems& problems);

  /// The same of a text that is JSON, and fast; nothing where it is not plainly that, or where
  /// something is to be said about it.
  static std::optional<Document> parse_json(std::string_view source);

  Node root() const { return {*this, 0}; }
  /// Puts a scalar at the end of a path of keys, in place of what is there. False when the path
  /// leads through something that is no map. `entry` is its number among `--set`.
  bool set(const std::vector<std::string_view>& path, const std::string& value,
           std::uint32_t entry);

 private:
  friend class Node;
  friend class TreeBuilder;
  friend class JsonReader;

  static constexpr std::uint32_t kNone = 0xffff'ffff;

  /// Children hang on `first` and go on by `next`; in a map, keys and values by turns.
  struct Data {
    Node::Kind kind = Node::Kind::scalar;
    bool plain = false;
    bool alias = false;       ///< `first` is what it stands for.
    bool copied = false;      ///< The text lies in `copies_`, else in the source.
    std::uint32_t begin = 0;  ///< In the source.
    std::uint32_t length = 0;
    std::uint32_t text = 0;
    std::uint32_t size = 0;  ///< Bytes of text, or children (in a map, pairs).
    std::uint32_t first = kNone;
    std::uint32_t next = kNone;
  };

  const Data& resolved(std::uint32_t index) const {
    const auto* data = &nodes_[index];
    while (data->alias) data = &nodes_[data->first];
    return *data;
  }
  std::uint32_t add_copy(std::string_view text);

  std::string_view source_;
  std::string copies_;
  std::vector<Data> nodes_;
};

inline Node::Kind Node::kind() const { return document_->resolved(index_).kind; }

inline bool Node::is_plain() const { return document_->resolved(index_).plain; }

inline std::string_view Node::text() const {
  const auto& data = document_->resolved(index_);
  if (data.kind != Kind::scalar) return {};
  const std::string_view from = data.copied ? document_->copies_ : document_->source_;
  return from.substr(data.text, data.size);
}

inline std::size_t Node::size() const { return document_->resolved(index_).size; }

template <typename Visit>
void Node::visit_items(const Visit& visit) const {
  if (!is_list()) return;
  for (auto at = document_->resolved(index_).first; at != Document::kNone;
       at = document_->nodes_[at].next)
    visit(Node(*document_, at));
}

template <typename Visit>
void Node::visit_entries(const Visit& visit) const {
  if (!is_map()) return;
  for (auto key = document_->resolved(index_).first; key != Document::kNone;) {
    const auto value = document_->nodes_[key].next;
    visit(Node(*document_, key), Node(*document_, value));
    key = document_->nodes_[value].next;
  }
}

}  // namespace interlock::plan
