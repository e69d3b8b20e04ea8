#include "web/task_groups.h"

#include <algorithm>
#include <map>
#include <utility>

namespace interlock::web {
namespace {

bool is_inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// `summary-….md` of `summary-a.md` and `summary-b.md`.
std::string common_name(const plan::Plan& plan, const std::vector<TaskId>& members) {
  const std::string& one = plan[members.front()].id;
  if (members.size() == 1) return one;
  std::size_t front = one.size(), least = one.size();
  for (const TaskId member : members) {
    const std::string& other = plan[member].id;
    const auto parted = std::ranges::mismatch(one, other);
    front = std::min(front, static_cast<std::size_t>(parted.in1 - one.begin()));
    least = std::min(least, other.size());
  }
  std::size_t back = least - front;
  for (const TaskId member : members) {
    const std::string_view other = plan[member].id;
    while (!other.ends_with(std::string_view(one).substr(one.size() - back))) --back;
  }
  while (front > 0 && is_inside_character(one[front])) --front;
  while (back > 0 && is_inside_character(one[one.size() - back])) --back;
  return one.substr(0, front) + "…" + one.substr(one.size() - back);
}

class Grouping {
 public:
  explicit Grouping(const plan::Plan& plan) : plan_(plan) { made_.of.resize(plan.tasks.size()); }

  TaskGroups take() {
    for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) made_.of[i] = group_of(TaskId(i));
    for (const auto& [group, members] : of_files_)
      made_.groups[group].name = common_name(plan_, members);
    return std::move(made_);
  }

 private:
  std::optional<std::uint32_t> group_of(TaskId id) {
    const TaskId whose = plan_[id].try_of.value_or(plan_[id].judge_of.value_or(id));
    const plan::Task& task = plan_[whose];
    if (task.family)
      return find({0, *task.family}, TaskGroup::Kind::items, plan_.families[*task.family].id);
    // All tasks of a `foreach` over files stand at one place of the document.
    if (!task.item.empty()) {
      const auto place = std::uint64_t{task.place.line} << 32U | task.place.column;
      const auto group = find({1, place}, TaskGroup::Kind::items, task.id);
      of_files_[group].push_back(id);
      return group;
    }
    if (task.tries.empty()) return std::nullopt;
    return find({2, whose.index()}, TaskGroup::Kind::tries, task.id);
  }

  std::uint32_t find(std::pair<int, std::uint64_t> key, TaskGroup::Kind kind,
                     const std::string& name) {
    const auto [it, is_new] =
        places_.try_emplace(key, static_cast<std::uint32_t>(made_.groups.size()));
    if (is_new) made_.groups.push_back({kind, name});
    return it->second;
  }

  const plan::Plan& plan_;
  TaskGroups made_;
  std::map<std::pair<int, std::uint64_t>, std::uint32_t> places_;
  std::map<std::uint32_t, std::vector<TaskId>> of_files_;
};

}  // namespace

TaskGroups groups_of(const plan::Plan& plan) { return Grouping(plan).take(); }

}  // namespace interlock::web
