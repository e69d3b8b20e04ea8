#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "panel/screen.h"
#include "report/plan_table.h"
#include "report/ways_json.h"
#include "runs/as_if.h"
#include "runs/opened_run.h"

// `forecast`: what a run's plan would take if things were otherwise.
namespace interlock::cli {

Result<Exit> forecast_command(const Context& context, const std::string& name,
                              const runs::AsIf& as_if) {
  const auto named = runs::open_named(context.place(), context.where, name);
  if (!named) return std::unexpected(named.error());
  const auto& [store, id] = *named;
  const auto planned = runs::plan_as_if(*store, id, as_if);
  if (!planned) return std::unexpected(planned.error());
  const decide::Decision& decision = planned->decision;
  const runs::DecisionRecord record = runs::record_of(decision);
  if (context.json) {
    json::array reasons;
    for (const std::string& one : decision.reasons) reasons.push_back(json::string(printable(one)));
    context.console.result(canonical_json(json::object{
                               {"version", 1},
                               {"run", id},
                               {"quota", as_if.conditions.quota},
                               {"size", as_if.conditions.size},
                               {"parallel", decision.parallel.n},
                               {"pattern", runs::pattern_text(decision)},
                               {"ways", report::ways_json(record)},
                               {"bars", report::bars_json(record, decision, planned->expected)},
                               {"reasons", std::move(reasons)}}) +
                           "\n");
    return Exit::done;
  }
  report::PlanScreen screen;
  screen.columns =
      context.console.out().is_terminal ? panel::Screen(STDOUT_FILENO).size().columns : 100;
  screen.unicode = context.console.out().unicode;
  std::string text;
  for (const std::string& line : report::draw_table(planned->expected, decision, screen, true))
    text += line + "\n";
  for (const std::string& reason : decision.reasons) text += "  " + printable(reason) + "\n";
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
