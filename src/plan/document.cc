#include "plan/document.h"

#include <algorithm>

namespace interlock::plan {

std::uint32_t Document::add_copy(std::string_view text) {
  const auto at = static_cast<std::uint32_t>(copies_.size());
  copies_ += text;
  return at;
}

bool Document::set(const std::vector<std::string_view>& path, const std::string& value,
                   std::uint32_t entry) {
  const auto add = [&](Data data) {
    data.begin = Span::kSet + entry;
    nodes_.push_back(data);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  };
  const auto scalar = [&](std::string_view text, bool plain) {
    return add({.plain = plain,
                .copied = true,
                .text = add_copy(text),
                .size = static_cast<std::uint32_t>(text.size())});
  };
  // Replaces a value in place, so that its key and its siblings keep their links.
  const auto replace = [&](std::uint32_t index, std::uint32_t with) {
    const auto next = nodes_[index].next;
    nodes_[index] = nodes_[with];
    nodes_[index].next = next;
  };

  std::uint32_t at = 0;
  for (std::size_t step = 0; step < path.size(); ++step) {
    while (nodes_[at].alias) at = nodes_[at].first;
    if (Node(*this, at).is_null()) replace(at, add({.kind = Node::Kind::map}));
    if (nodes_[at].kind != Node::Kind::map) return false;
    auto key = nodes_[at].first;
    while (key != kNone && Node(*this, key).text() != path[step])
      key = nodes_[nodes_[key].next].next;
    if (key == kNone) {
      key = scalar(path[step], false);
      const auto nothing = scalar("", true);
      nodes_[key].next = nothing;
      nodes_[nothing].next = nodes_[at].first;
      nodes_[at].first = key;
      ++nodes_[at].size;
    }
    at = nodes_[key].next;
  }
  replace(at, scalar(value, true));
  return true;
}

bool Node::is_null() const {
  if (!is_scalar() || !is_plain()) return false;
  const auto word = text();
  return word.empty() || word == "~" || word == "null" || word == "Null" || word == "NULL";
}

bool Node::is_unquoted_placeholder() const {
  if (!is_map() || size() != 1) return false;
  const auto entry = entries().front();
  return entry.second.is_null() && entry.second.text().empty() && entry.first.is_plain();
}

std::vector<Node> Node::items() const {
  std::vector<Node> items;
  if (!is_list()) return items;
  items.reserve(size());
  visit_items([&](Node item) { items.push_back(item); });
  return items;
}

std::vector<std::pair<Node, Node>> Node::entries() const {
  std::vector<std::pair<Node, Node>> entries;
  if (!is_map()) return entries;
  entries.reserve(size());
  visit_entries([&](Node key, Node value) { entries.emplace_back(key, value); });
  return entries;
}

std::optional<Node> Node::member(std::string_view key) const {
  std::optional<Node> found;
  visit_entries([&](Node name, Node value) {
    if (!found && name.text() == key) found = value;
  });
  return found;
}

Span Node::span() const {
  const auto& data = document_->nodes_[index_];
  return {data.begin, data.length};
}

}  // namespace interlock::plan
