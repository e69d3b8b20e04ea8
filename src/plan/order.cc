#include "plan/order.h"

#include <algorithm>

namespace interlock::plan {

namespace {

enum class Mark : unsigned char { unseen, open, done };

struct Visit {
  std::uint32_t task = 0;
  std::size_t next_need = 0;
};

std::vector<std::uint32_t> cycle_from(const std::vector<Visit>& path, std::uint32_t closing) {
  std::vector<std::uint32_t> cycle;
  auto at = std::ranges::find(path, closing, &Visit::task);
  for (; at != path.end(); ++at) cycle.push_back(at->task);
  std::ranges::rotate(cycle, std::ranges::min_element(cycle));
  return cycle;
}

}  // namespace

Order order_of(const NeedLists& needs) {
  Order order;
  order.sequence.reserve(needs.size());
  std::vector<Mark> marks(needs.size(), Mark::unseen);
  std::vector<Visit> path;  // A stack of our own: a chain of needs may be a million long.
  for (std::uint32_t start = 0; start < needs.size(); ++start) {
    if (marks[start] != Mark::unseen) continue;
    marks[start] = Mark::open;
    path.push_back({start});
    while (!path.empty()) {
      auto& [task, next] = path.back();
      if (next == needs[task].size()) {
        marks[task] = Mark::done;
        order.sequence.push_back(task);
        path.pop_back();
        continue;
      }
      const auto need = needs[task][next++];
      if (marks[need] == Mark::open && order.cycles.size() < Order::kMostCycles)
        order.cycles.push_back(cycle_from(path, need));
      if (marks[need] != Mark::unseen) continue;
      marks[need] = Mark::open;
      path.push_back({need});
    }
  }
  return order;
}

}  // namespace interlock::plan
