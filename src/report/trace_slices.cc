#include "report/trace_slices.h"

#include <algorithm>
#include <set>
#include <utility>

namespace interlock::report {

std::vector<Slice> slices_of(const TraceSource& source) {
  std::vector<Slice> slices;
  for (const TaskRow& row : source.record.tasks) {
    const auto& attempts = source.run.state[row.task].attempts;
    for (const Span& span : row.spans) {
      if (!span.is_attempt()) continue;
      const auto it = std::ranges::find(attempts, span.attempt, &engine::AttemptRecord::number);
      if (it == attempts.end() || it->batched_with) continue;
      slices.push_back({row.task, span});
    }
  }
  std::ranges::stable_sort(slices, {}, [](const Slice& it) { return it.span.from; });
  std::set<std::pair<Time, int>> busy;  // Until when.
  std::set<int> free;
  int slots = 0;
  for (Slice& slice : slices) {
    while (!busy.empty() && busy.begin()->first <= slice.span.from) {
      free.insert(busy.begin()->second);
      busy.erase(busy.begin());
    }
    if (free.empty()) free.insert(++slots);
    slice.slot = *free.begin();
    free.erase(free.begin());
    busy.emplace(std::max(slice.span.to, slice.span.from + Duration(1)), slice.slot);
  }
  return slices;
}

}  // namespace interlock::report
