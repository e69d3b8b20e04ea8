#include "footprint/interlocking.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <tuple>

#include "base/check.h"
#include "footprint/access_index.h"
#include "footprint/implied.h"

namespace interlock::footprint {

namespace {

/// A pattern as seen from another it meets.
struct Neighbour {
  enum class Side : unsigned char { same, above, below };

  PatternId pattern;
  Side side = Side::same;
  PairId pair;  ///< Unless it is the same.
};

/// Goes through the tasks in plan order and keeps, for each pattern, who last wrote and who has
/// read since.
class Interlocker {
 public:
  Interlocker(std::span<const Claim> claims, std::span<const std::string> resource_names)
      : claims_(claims),
        resource_names_(resource_names),
        index_(claims),
        live_(index_.patterns()),
        listed_(index_.pairs(), false),
        holds_(2 * index_.pairs(), Holds::unasked),
        last_user_(resource_names.size()),
        implied_(claims.size()) {}

  Interlocking interlock() {
    graph_.first.reserve(claims_.size() + 1);
    graph_.first.push_back(0);
    for (std::size_t i = 0; i < claims_.size(); ++i) add_task(TaskId(i));
    return std::move(graph_);
  }

 private:
  /// Accesses to one pattern that a later task may have to wait for: those that no later writer
  /// covers.
  struct Live {
    std::optional<TaskId> writer;
    std::vector<TaskId> readers;
    std::uint32_t unknowns_before = 0;  ///< An unknown footprint since then has covered them.
    std::size_t readers_worth_thinning = kManyPredecessors;
    std::vector<PairId>
        pairs_below;  ///< With the patterns below that were live when last looked at.

    bool empty() const { return !writer && readers.empty(); }
    void forget() {
      writer.reset();
      readers.clear();
    }
  };

  /// One reason to wait: an edge in the making.
  struct Reason {
    TaskId before;
    Why why;
    std::string_view on;
  };
  /// An earlier task's pattern that meets one at hand.
  struct Conflict {
    TaskId before;
    Why why;
    PatternId theirs;
  };

  enum class Holds : unsigned char { unasked, no, yes };

  void add_task(TaskId task);
  void add_needs_and_locks(TaskId task, std::vector<Reason>& reasons);
  void add_unknown(TaskId task, std::vector<Reason>& reasons);
  void add_conflicts(TaskId task, std::vector<Reason>& reasons);
  std::vector<Conflict> conflicts_of(PatternId mine, bool writes);
  bool is_covered(const Conflict& conflict, std::span<const Conflict> conflicts, PatternId mine);
  void thin(std::vector<Reason>& reasons);

  void note_accesses(TaskId task);
  void note_read(TaskId task, PatternId pattern);
  void forget_covered(PatternId written);

  template <typename Visit>
  void visit_live(PatternId pattern, const Visit& visit);
  Live& live(PatternId pattern);
  Live& woken(PatternId pattern);
  bool holds_other(const Neighbour& other);
  bool is_held_by_other(const Neighbour& other);
  bool holds(PairId pair, bool deep_holds_high);
  bool asked_within_budget(const std::function<bool(Budget&)>& question);

  std::span<const Claim> claims_;
  std::span<const std::string> resource_names_;
  AccessIndex index_;
  std::vector<Live> live_;
  std::vector<bool> listed_;  ///< Pairs that are in `pairs_below` of their higher pattern.
  std::vector<Holds>
      holds_;  ///< Of each pair: whether the deeper holds the higher, and the other way round.
  std::vector<std::optional<TaskId>> last_user_;  ///< Of each resource.
  std::optional<TaskId> last_unknown_;
  std::uint32_t unknowns_ = 0;
  Implied implied_;
  Budget cover_questions_{20'000'000};
  Interlocking graph_;
};

void Interlocker::add_task(TaskId task) {
  const bool unknown = claims_[task.index()].footprint->unknown;
  std::vector<Reason> reasons;
  add_needs_and_locks(task, reasons);
  add_unknown(task, reasons);
  if (!unknown) add_conflicts(task, reasons);

  const auto order = [](const Reason& reason) { return std::tuple(reason.before, reason.why); };
  if (!std::ranges::is_sorted(reasons, {}, order)) std::ranges::stable_sort(reasons, {}, order);
  const auto [doubles, end] = std::ranges::unique(reasons, {}, order);
  reasons.erase(doubles, end);
  if (!unknown && reasons.size() > kManyPredecessors) thin(reasons);
  for (const Reason& reason : reasons) {
    graph_.edges.push_back({reason.before, task, reason.why, std::string(reason.on)});
  }
  graph_.first.push_back(static_cast<std::uint32_t>(graph_.edges.size()));
  if (!unknown) note_accesses(task);
}

void Interlocker::add_needs_and_locks(TaskId task, std::vector<Reason>& reasons) {
  const Claim& claim = claims_[task.index()];
  for (const TaskId needed : claim.needs) {
    check(needed < task, "a task needs only earlier tasks");
    const bool uses_output = std::ranges::find(claim.output_of, needed) != claim.output_of.end();
    reasons.push_back({needed, Why::needs, uses_output ? "output" : ""});
  }
  for (const TaskId earlier : claim.after) {
    check(earlier < task, "a condition looks at earlier tasks");
    reasons.push_back({earlier, Why::outcome, ""});
  }
  for (const ResourceId lock : claim.locks) {
    std::optional<TaskId>& last = last_user_[lock.index()];
    if (last && *last != task) reasons.push_back({*last, Why::lock, resource_names_[lock.index()]});
    last = task;
  }
}

/// It is as if there were one more path, which unknown footprints write and all others read.
void Interlocker::add_unknown(TaskId task, std::vector<Reason>& reasons) {
  if (!claims_[task.index()].footprint->unknown) {
    if (last_unknown_) reasons.push_back({*last_unknown_, Why::unknown, ""});
    return;
  }
  for (std::size_t i = last_unknown_ ? last_unknown_->index() : 0; i < task.index(); ++i) {
    reasons.push_back({TaskId(i), Why::unknown, ""});
  }
  last_unknown_ = task;
  ++unknowns_;
}

void Interlocker::add_conflicts(TaskId task, std::vector<Reason>& reasons) {
  for (const bool writes : {false, true}) {
    for (const PatternId mine : writes ? index_.writes_of(task) : index_.reads_of(task)) {
      const std::vector<Conflict> conflicts = conflicts_of(mine, writes);
      for (const Conflict& conflict : conflicts) {
        if (is_covered(conflict, conflicts, mine)) continue;
        reasons.push_back({conflict.before, conflict.why, index_.area(mine).include->text()});
      }
    }
  }
}

std::vector<Interlocker::Conflict> Interlocker::conflicts_of(PatternId mine, bool writes) {
  std::vector<Conflict> conflicts;
  TaskId last_whole_writer{};
  visit_live(mine, [&](const Neighbour& other, const Live& accesses) {
    if (accesses.writer) {
      const Why why = writes ? Why::write_write : Why::write_read;
      conflicts.push_back({*accesses.writer, why, other.pattern});
      if (is_held_by_other(other))
        last_whole_writer = std::max(last_whole_writer, *accesses.writer);
    }
    if (!writes) return;
    for (const TaskId reader : accesses.readers) {
      conflicts.push_back({reader, Why::read_write, other.pattern});
    }
  });
  // Whoever touched this pattern before it was written as a whole is followed by that writer.
  std::erase_if(conflicts,
                [&](const Conflict& conflict) { return conflict.before < last_whole_writer; });
  return conflicts;
}

/// Whether the writers in between touched all that the two share. Each shared path then leads from
/// the one to the other by way of such a writer, whose own edges (or theirs, and so on) are enough.
/// Asked among few meetings only, since a question can cost a search.
bool Interlocker::is_covered(const Conflict& conflict, std::span<const Conflict> conflicts,
                             PatternId mine) {
  constexpr std::size_t kFew = 16;
  if (conflicts.size() > kFew || cover_questions_.steps == 0) return false;
  std::vector<Area> between;
  for (const Conflict& other : conflicts) {
    const bool wrote = other.why != Why::read_write;
    if (wrote && other.before > conflict.before) between.push_back(index_.area(other.theirs));
  }
  if (between.empty()) return false;
  const Area &theirs = index_.area(conflict.theirs), &ours = index_.area(mine);
  return asked_within_budget([&](Budget& budget) { return covers(between, theirs, ours, budget); });
}

/// Leaves out conflicts with tasks that others of the predecessors wait for anyway.
void Interlocker::thin(std::vector<Reason>& reasons) {
  std::vector<TaskId> latest_first;
  for (const Reason& reason : reasons) latest_first.push_back(reason.before);
  std::ranges::reverse(latest_first);
  implied_.drop(latest_first, graph_);
  std::erase_if(reasons, [&](const Reason& reason) {
    const bool may_go = reason.why == Why::write_write || reason.why == Why::read_write ||
                        reason.why == Why::write_read;
    return may_go && !std::ranges::binary_search(latest_first, reason.before, std::greater{});
  });
}

/// Forgets what the task's writes cover, its own reads too, and notes the rest.
void Interlocker::note_accesses(TaskId task) {
  for (const PatternId read : index_.reads_of(task)) note_read(task, read);
  for (const PatternId written : index_.writes_of(task)) forget_covered(written);
  for (const PatternId written : index_.writes_of(task)) woken(written).writer = task;
}

void Interlocker::note_read(TaskId task, PatternId pattern) {
  Live& accesses = woken(pattern);
  if (accesses.readers.empty() || accesses.readers.back() != task) accesses.readers.push_back(task);
  if (accesses.readers.size() <= accesses.readers_worth_thinning) return;
  // Whoever writes the pattern next waits for all of them, so those that others of them wait for
  // need not be listed.
  std::ranges::reverse(accesses.readers);
  implied_.drop(accesses.readers, graph_);
  std::ranges::reverse(accesses.readers);
  accesses.readers_worth_thinning = std::max(kManyPredecessors, 2 * accesses.readers.size());
}

void Interlocker::forget_covered(PatternId written) {
  visit_live(written, [&](const Neighbour& other, Live& accesses) {
    if (holds_other(other)) accesses.forget();
  });
}

/// Visits the patterns that meet this one, itself too, and have live accesses.
template <typename Visit>
void Interlocker::visit_live(PatternId pattern, const Visit& visit) {
  if (Live& own = live(pattern); !own.empty())
    visit(Neighbour{pattern, Neighbour::Side::same, {}}, own);
  const auto [first, last] = index_.pairs_upward(pattern);
  for (std::uint32_t i = first; i < last; ++i) {
    const PatternId above = index_.pair(PairId(i)).high;
    if (Live& other = live(above); !other.empty())
      visit(Neighbour{above, Neighbour::Side::above, PairId(i)}, other);
  }
  // There can be very many below, so those whose accesses died are taken out on the way.
  std::erase_if(live_[pattern.index()].pairs_below, [&](PairId pair) {
    const PatternId below = index_.pair(pair).deep;
    Live& other = live(below);
    listed_[pair.index()] = !other.empty();
    if (!other.empty()) visit(Neighbour{below, Neighbour::Side::below, pair}, other);
    return !listed_[pair.index()];
  });
}

Interlocker::Live& Interlocker::live(PatternId pattern) {
  Live& accesses = live_[pattern.index()];
  if (accesses.unknowns_before != unknowns_) accesses.forget();
  accesses.unknowns_before = unknowns_;
  return accesses;
}

/// The accesses of a pattern that is to get one more, so that those above must know of it.
Interlocker::Live& Interlocker::woken(PatternId pattern) {
  Live& accesses = live(pattern);
  if (!accesses.empty()) return accesses;
  const auto [first, last] = index_.pairs_upward(pattern);
  for (std::uint32_t i = first; i < last; ++i) {
    if (listed_[i]) continue;
    listed_[i] = true;
    live_[index_.pair(PairId(i)).high.index()].pairs_below.push_back(PairId(i));
  }
  return accesses;
}

bool Interlocker::holds_other(const Neighbour& other) {
  return other.side == Neighbour::Side::same ||
         holds(other.pair, other.side == Neighbour::Side::above);
}

bool Interlocker::is_held_by_other(const Neighbour& other) {
  return other.side == Neighbour::Side::same ||
         holds(other.pair, other.side == Neighbour::Side::below);
}

/// Whether one pattern of the pair matches all that the other does.
bool Interlocker::holds(PairId pair, bool deep_holds_high) {
  Holds& known = holds_[2 * std::size_t{pair.index()} + (deep_holds_high ? 0 : 1)];
  if (known != Holds::unasked) return known == Holds::yes;
  const Area &deep = index_.area(index_.pair(pair).deep),
             &high = index_.area(index_.pair(pair).high);
  const bool holds = asked_within_budget([&](Budget& budget) {
    return deep_holds_high ? contains(deep, high, budget) : contains(high, deep, budget);
  });
  known = holds ? Holds::yes : Holds::no;
  return holds;
}

/// Spends on one question no more than its share, and on all no more than what there was.
bool Interlocker::asked_within_budget(const std::function<bool(Budget&)>& question) {
  Budget share{std::min(kOneQuestion.steps, cover_questions_.steps)};
  const std::size_t granted = share.steps;
  const bool answer = question(share);
  cover_questions_.spend(granted - share.steps);
  return answer;
}

}  // namespace

std::string_view name_of(Why why) {
  switch (why) {
    case Why::needs: return "needs";
    case Why::write_write: return "write-write";
    case Why::read_write: return "read-write";
    case Why::write_read: return "write-read";
    case Why::lock: return "lock";
    case Why::unknown: return "unknown";
    case Why::outcome: return "outcome";
  }
  return "";
}

std::span<const Edge> Interlocking::into(TaskId task) const {
  const std::size_t begin = first[task.index()], end = first[task.index() + 1];
  return std::span(edges).subspan(begin, end - begin);
}

void add_edges(Interlocking& graph, std::vector<Edge> more) {
  if (more.empty()) return;
  graph.edges.insert(graph.edges.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
  const auto order = [](const Edge& edge) { return std::tuple(edge.after, edge.before, edge.why); };
  std::ranges::stable_sort(graph.edges, {}, order);
  // One edge per pair and reason.
  const auto [doubles, end] = std::ranges::unique(graph.edges, {}, order);
  graph.edges.erase(doubles, end);
  graph.first.assign(graph.first.size(), 0);
  for (const Edge& edge : graph.edges) ++graph.first[edge.after.index() + 1];
  std::partial_sum(graph.first.begin(), graph.first.end(), graph.first.begin());
}

Interlocking interlock(std::span<const Claim> claims, std::span<const std::string> resource_names) {
  return Interlocker(claims, resource_names).interlock();
}

bool conflicts(const Claim& a, const Claim& b) {
  const Footprint &x = *a.footprint, &y = *b.footprint;
  if (x.unknown || y.unknown) return true;
  const auto also_locked = [&](ResourceId lock) {
    return std::ranges::find(b.locks, lock) != b.locks.end();
  };
  return std::ranges::any_of(a.locks, also_locked) || overlaps(x.writes, y.writes) ||
         overlaps(x.reads, y.writes) || overlaps(x.writes, y.reads);
}

}  // namespace interlock::footprint
