#include "cli/asking.h"

#include <fmt/format.h>

#include "base/json.h"

namespace interlock::cli {

Result<Asked> open_for_asking(const Context& context, const std::string& run,
                              const std::string& task) {
  return runs::open_for_asking(context.place(), context.where, run, task);
}

void report(const Context& context, const runs::ChosenRun& run, std::string_view did,
            const std::vector<std::string>& tasks, const std::string& line) {
  if (context.json) {
    context.console.result(
        pretty_json(json::object{{"version", 1},
                                 {"did", did},
                                 {"run", run.id()},
                                 {"plan", run.head.plan_name},
                                 {"workspace", run.head.workspace},
                                 {"tasks", json::array(tasks.begin(), tasks.end())},
                                 {"dispatched", run.dispatched()}}));
    return;
  }
  context.console.remark(line);
  if (!run.dispatched())
    context.console.remark(fmt::format(" hint: interlock resume {}", run.id()));
}

}  // namespace interlock::cli
