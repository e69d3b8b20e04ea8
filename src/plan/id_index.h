#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "footprint/glob.h"
#include "plan/tasks.h"

namespace interlock::plan {

/// Finds tasks by id and by pattern over ids.
class IdIndex {
 public:
  IdIndex(Reading& reading, const TaskList& list);

  std::optional<std::uint32_t> find(std::string_view id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
  }
  /// In document order; coordinators, whose ids hold a `:`, are no match.
  const std::vector<std::uint32_t>& matching(const footprint::Glob& pattern);
  /// Whether looking has been given up: the lists of `matching` are not whole then.
  bool gave_up() const;
  std::string hint(std::string_view name);

 private:
  Reading& reading_;
  const TaskList& list_;
  std::unordered_map<std::string_view, std::uint32_t> by_id_;
  std::vector<std::uint32_t> sorted_;  ///< By id; filled when the first pattern asks.
  std::vector<std::string> ids_for_hints_;
  std::size_t looks_ = 0;
  std::unordered_map<std::string, std::vector<std::uint32_t>> matches_;
};

/// Whether `name` is more than one id.
bool is_pattern(std::string_view name);

/// Whether `name` may be meant by an id as the document has it, placeholders and all, or the other
/// way round.
bool may_name(std::string_view id, std::string_view name);

}  // namespace interlock::plan
