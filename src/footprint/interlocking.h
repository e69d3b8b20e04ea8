#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "footprint/glob.h"

namespace interlock::footprint {

/// What a task touches in the workspace.
struct Footprint {
  PatternSet reads;
  PatternSet writes;
  /// Neither reads nor writes were declared: the task is taken to touch everything, and runs alone.
  bool unknown = false;

  bool operator==(const Footprint&) const = default;
};

/// Why one task waits for an earlier one.
enum class Why : unsigned char {
  needs,        ///< It asked for it, or uses its output.
  write_write,  ///< Both write the path.
  read_write,   ///< The earlier reads what the later writes.
  write_read,   ///< The earlier writes what the later reads.
  lock,         ///< Both use the lock.
  unknown,      ///< One of them has an unknown footprint.
  outcome,      ///< Its condition asks how the earlier one ended.
};
/// `needs`, `write-write`, `read-write`, `write-read`, `lock`, `unknown`, `outcome`.
std::string_view name_of(Why why);
/// Whether the plan says so, whatever the two touch.
inline bool is_said(Why why) { return why == Why::needs || why == Why::outcome; }

/// `after` may not start before `before` has ended. Always before < after in plan order.
struct Edge {
  TaskId before;
  TaskId after;
  Why why = Why::needs;
  /// What they meet on: the later task's pattern (for the earlier's, ask its footprint), the lock's
  /// name, `output` for a needed output, empty for a plain need and an unknown footprint.
  std::string on;

  bool operator==(const Edge&) const = default;
};

/// What one task brings to the interlocking.
struct Claim {
  const Footprint* footprint = nullptr;
  std::span<const TaskId> needs;      ///< Earlier tasks, each once.
  std::span<const TaskId> output_of;  ///< Those of `needs` whose output it uses.
  std::span<const ResourceId> locks;
  std::span<const TaskId> after{};  ///< Earlier tasks whose end it waits for, however they end.
};

inline constexpr std::size_t kManyPredecessors = 256;

/// The graph of who waits for whom, and why.
///
/// Direct edges only: a reader after the last writer before it, a writer after the last writer and
/// the readers since, a lock's user after its last user, and what the plan says in `needs`. A
/// writer is the last writer of what its patterns cover (decided exactly); an earlier one that is
/// covered only in part keeps its edge. What a task both reads and writes counts as written. An
/// unknown footprint acts like one more path that unknown tasks write and all others read. Edges
/// into a task with more than `kManyPredecessors`, and reads of one pattern by more than that, are
/// thinned: a direct conflict that also follows from other edges may then be left out. Whatever is
/// left out, two tasks that conflict are always joined by a path of edges. One edge per pair and
/// reason. Sorted by (after, before, why), so equal plans give equal graphs.
struct Interlocking {
  std::vector<Edge> edges;

  /// The edges into `task`.
  std::span<const Edge> into(TaskId task) const;
  /// first[i] .. first[i + 1] are the edges into task i.
  std::vector<std::uint32_t> first;
};

/// More edges, whose tasks are among those of the graph.
void add_edges(Interlocking& graph, std::vector<Edge> more);

/// Time grows with patterns and true conflicts, not with pairs of tasks.
Interlocking interlock(std::span<const Claim> claims, std::span<const std::string> resource_names);

/// Whether two tasks may not overlap in time on their own account: the definition, without the
/// index. For tests and explanations.
bool conflicts(const Claim& a, const Claim& b);

}  // namespace interlock::footprint
