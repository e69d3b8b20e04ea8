#include "decide/words.h"

#include <fmt/format.h>

#include "base/text.h"

namespace interlock::decide {

std::string names_of(const plan::Plan& plan, const std::vector<TaskId>& tasks, std::size_t most) {
  std::vector<std::string> names;
  names.reserve(tasks.size());
  for (const TaskId task : tasks) names.push_back(fmt::format("`{}`", plan[task].id));
  return join_words(names, most);
}

std::string say_edge(const plan::Plan& plan, const footprint::Edge& edge) {
  using footprint::Why;
  const std::string& before = plan[edge.before].id;
  const std::string& after = plan[edge.after].id;
  switch (edge.why) {
    case Why::needs:
      return fmt::format("`{}` needs {}`{}`", after, edge.on == "output" ? "the output of " : "",
                         before);
    case Why::write_write:
      return fmt::format("`{}` and `{}` both write `{}`", before, after, edge.on);
    case Why::read_write:
      return fmt::format("`{}` writes `{}`, which `{}` reads", after, edge.on, before);
    case Why::write_read:
      return fmt::format("`{}` reads `{}`, which `{}` writes", after, edge.on, before);
    case Why::lock:
      return fmt::format("`{}` and `{}` both use the lock `{}`", before, after, edge.on);
    case Why::outcome:
      return fmt::format("the condition of `{}` asks how `{}` ends", after, before);
    case Why::unknown: {
      const bool earlier = plan[edge.before].footprint.unknown;
      return fmt::format("`{}` may touch anything, also what `{}` does", earlier ? before : after,
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
