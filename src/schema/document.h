#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "schema/compiled.h"
#include "schema/rule.h"

namespace interlock::schema {

/// Knows where the schemas of a document are and what they are called: `$id`, `$anchor`, JSON
/// pointers.
class Document {
 public:
  struct Place {
    std::string pointer;
    std::uint32_t resource = 0;
  };

  /// `root` must outlive it.
  Document(const json::value& root, Dialect dialect);

  /// The schema that `reference` means at `from`. Only what is in the document can be found.
  Result<const json::value*> resolve(const json::value& from, std::string_view reference);
  const Place& place_of(const json::value& schema) const { return places_.at(&schema); }
  /// The schema with this `$dynamicAnchor` in a resource, or nothing.
  const json::value* dynamic_anchor(std::uint32_t resource, const std::string& name) const;
  const std::map<std::pair<std::uint32_t, std::string>, const json::value*>& dynamic_anchors()
      const {
    return dynamic_anchors_;
  }

 private:
  void index(const json::value& schema, const std::string& pointer, std::uint32_t resource);
  void index_names(const json::value& schema, const json::object& object, Place& place);
  std::uint32_t add_resource(const json::value& schema, const std::string& uri);
  Result<const json::value*> follow(std::uint32_t resource, const std::string& pointer,
                                    std::string_view reference);

  struct Resource {
    std::string uri;
    const json::value* schema;
  };

  Dialect dialect_;
  std::vector<Resource> resources_;
  std::map<std::string, std::uint32_t, std::less<>> by_uri_;
  std::map<std::pair<std::uint32_t, std::string>, const json::value*> anchors_, dynamic_anchors_;
  std::unordered_map<const json::value*, Place> places_;  // Looked up, never walked.
};

/// Calls `visit` with every schema that the value of a keyword holds, and its pointer below that
/// value.
void visit_held(
    const Rule& rule, const json::value& value,
    const std::function<void(const json::value& schema, const std::string& below)>& visit);

/// A name as a segment of a JSON pointer (RFC 6901).
std::string pointer_segment(std::string_view name);

}  // namespace interlock::schema
