#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "footprint/interlocking.h"
#include "footprint/overlap.h"

namespace interlock::footprint {

/// Finds whom tasks wait for that come one by one after all others.
///
/// What it promises is what `interlock` promises: two tasks that conflict are joined by a path of
/// edges, where one of them was added. It may keep an edge that `interlock` would have found to
/// follow from others. Looking costs what the task's own patterns may meet: those at their literal
/// prefixes, above and below.
class GrowingInterlocking {
 public:
  /// Of the tasks that are there; their edges are known to the caller. Costs all of them, once.
  /// `resource_names` by ResourceId.
  GrowingInterlocking(std::span<const Claim> claims, std::vector<std::string> resource_names);

  /// The edges into the next task, by (before, why). Its claim need not outlive the call.
  std::vector<Edge> add(const Claim& claim);

  std::size_t tasks() const { return tasks_; }

 private:
  /// Who touched what one pattern matches, as far as a later task may have to wait for them: no
  /// writer since then covers it.
  struct Accesses {
    PatternSet pattern;  ///< One pattern, and what its set excludes.
    std::optional<TaskId> writer;
    std::vector<TaskId> readers;

    Area area() const { return {&pattern.include.front(), pattern.exclude}; }
  };
  using AtPrefix = std::vector<Accesses>;

  void note(TaskId task, const Claim& claim, std::vector<Edge>* edges);
  void note_unknown(TaskId task, std::vector<Edge>* edges);
  void meet(TaskId task, const Area& mine, bool writes, std::vector<Edge>& edges);
  void cover(const Area& written);
  Accesses& accesses_of(const Area& area);
  template <typename Visit>
  void visit_near(std::string_view prefix, const Visit& visit);

  std::vector<std::string> resource_names_;
  std::map<std::string, AtPrefix, std::less<>> by_prefix_;  ///< By literal prefix.
  std::vector<std::optional<TaskId>> last_user_;            ///< Of each resource.
  std::optional<TaskId> last_unknown_;
  std::vector<TaskId> bare_;  ///< Since then, those that touch nothing.
  std::size_t tasks_ = 0;
};

}  // namespace interlock::footprint
