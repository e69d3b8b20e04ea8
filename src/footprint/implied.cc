#include "footprint/implied.h"

namespace interlock::footprint {

void Implied::drop(std::vector<TaskId>& tasks, const Interlocking& graph) {
  if (tasks.empty()) return;
  ++search_;
  const TaskId earliest = tasks.back();
  std::size_t edges_left = 32 * tasks.size() + 1000;
  std::vector<TaskId> open;
  const auto come_by = [&](TaskId task) {
    if (seen_in_[task.index()] == search_) return false;
    seen_in_[task.index()] = search_;
    return true;
  };
  std::erase_if(tasks, [&](TaskId task) {
    if (!come_by(task)) return true;
    open.assign(1, task);
    while (!open.empty() && edges_left > 0) {
      const TaskId at = open.back();
      open.pop_back();
      for (const Edge& edge : graph.into(at)) {
        if (edges_left == 0) break;
        --edges_left;
        if (edge.before >= earliest && come_by(edge.before)) open.push_back(edge.before);
      }
    }
    return false;
  });
}

}  // namespace interlock::footprint
