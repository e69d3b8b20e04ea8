#include "decide/words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decide/shown_id.h"

namespace interlock::decide {

/// Places of one `foreach` are one name, where the first of them stands: `` all 20 of `part-{item}`
/// ``.
std::string names_of(const plan::Plan& plan, const std::vector<TaskId>& tasks, std::size_t most) {
  struct Named {
    TaskId first;
    std::size_t count = 1;
    const plan::Family* family = nullptr;
  };
  std::vector<Named> all;
  for (const TaskId task : tasks) {
    const plan::Family* family = family_of_place(plan, task);
    const auto same =
        family == nullptr ? all.end() : std::ranges::find(all, family, &Named::family);
    if (same != all.end())
      ++same->count;
    else
      all.push_back({task, 1, family});
  }
  const auto name_of = [&](const Named& it) {
    const std::string name = fmt::format("`{}`", shown_id(plan, it.first));
    if (it.count == 1) return name;
    const bool is_all = it.count == it.family->at_most;
    return fmt::format("{}{} of {}", is_all ? "all " : "", it.count, name);
  };
  const std::size_t named = std::max<std::size_t>(most, 2);
  std::vector<std::string> names;
  std::size_t rest = 0;
  for (const Named& it : all) {
    if (all.size() > named && names.size() + 1 >= named)
      rest += it.count;
    else
      names.push_back(name_of(it));
  }
  if (rest > 0) names.push_back(fmt::format("{} more", rest));
  return join_words(names, names.size());
}

std::string say_edge(const plan::Plan& plan, const footprint::Edge& edge) {
  using footprint::Why;
  const std::string before = fmt::format("`{}`", shown_id(plan, edge.before));
  // Two places of one `foreach` have one name.
  const plan::Family* family = family_of_place(plan, edge.after);
  const bool is_another = family != nullptr && family == family_of_place(plan, edge.before);
  const std::string after =
      fmt::format("{}`{}`", is_another ? "another " : "", shown_id(plan, edge.after));
  switch (edge.why) {
    case Why::needs:
      return fmt::format("{} needs {}{}", after, edge.on == "output" ? "the output of " : "",
                         before);
    case Why::write_write: return fmt::format("{} and {} both write `{}`", before, after, edge.on);
    case Why::read_write:
      return fmt::format("{} writes `{}`, which {} reads", after, edge.on, before);
    case Why::write_read:
      return fmt::format("{} reads `{}`, which {} writes", after, edge.on, before);
    case Why::lock: return fmt::format("{} and {} both use the lock `{}`", before, after, edge.on);
    case Why::outcome: return fmt::format("the condition of {} asks how {} ends", after, before);
    case Why::unknown: {
      const bool earlier = plan[edge.before].footprint.unknown;
      return fmt::format("{} may touch anything, also what {} does", earlier ? before : after,
                         earlier ? after : before);
    }
  }
  return {};
}

std::string show_time_taken(Duration duration) {
  using std::chrono::seconds;
  // As it is shown: what is just below a minute is one.
  const auto shown = std::chrono::round<seconds>(duration);
  const bool in_seconds = shown >= seconds(60) && duration < seconds(120);
  return in_seconds ? fmt::format("{} s", shown.count()) : show_duration(duration);
}

std::string count_of(std::size_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace interlock::decide
