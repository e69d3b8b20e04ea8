#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "schema/pattern.h"

// A schema made ready: references resolved, patterns compiled, keywords in the order they are
// applied.
namespace interlock::schema {

enum class Dialect : unsigned char { draft7, draft2020 };

struct Rule;
struct Node;

/// One keyword of one schema. What it holds is laid out by its rule, see keywords.cc.
struct Keyword {
  const Rule* rule = nullptr;
  const json::value* value = nullptr;
  std::vector<const Node*> schemas;                        ///< Its subschemas, in order.
  std::vector<std::pair<std::string, const Node*>> named;  ///< Its subschemas by name.
  std::vector<std::string> texts;                          ///< Names, or values in canonical form.
  std::vector<Pattern> patterns;
  std::uint64_t least = 0, most = 0;  ///< Counts.
};

/// One schema: `true`, `false` or a list of keywords.
struct Node {
  std::string pointer;  ///< Where it stands in the document.
  bool is_false = false;
  std::uint32_t resource = 0;  ///< The `$id` it belongs to.
  std::vector<Keyword> keywords;
};

struct Compiled {
  json::value document;
  Dialect dialect = Dialect::draft7;
  std::deque<Node> nodes;  ///< Never moved: keywords point to them.
  const Node* top = nullptr;
  /// By resource and name; where `$dynamicRef` may lead.
  std::map<std::pair<std::uint32_t, std::string>, const Node*> dynamic_anchors;
  bool has_unevaluated = false;  ///< Whether it must be kept in mind what was evaluated.
  std::vector<std::string> notes;
};

}  // namespace interlock::schema
