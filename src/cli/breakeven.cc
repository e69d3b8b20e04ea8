#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/text.h"
#include "cli/commands.h"
#include "decide/learn.h"
#include "panel/screen.h"
#include "report/breakeven_view.h"
#include "runs/learning.h"
#include "workspace/local_files.h"

// `breakeven`.
namespace interlock::cli {

Result<Exit> breakeven_command(const Context& context, const std::string& file,
                               const runs::PlanRequest& request, const std::string& svg) {
  auto document = runs::read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  auto plan = runs::read_plan_or_complain(*document, request, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, *plan);
  decide::Options options;
  options.learned = decide::fill_from_history(*plan, history, runs::slowing_keys(*plan, history));
  options.host = runs::this_host();
  const auto expected = decide::expect(*plan, history);
  const decide::Breakeven found = decide::breakeven(*plan, expected, options);
  if (!svg.empty()) {
    std::ofstream out(svg, std::ios::binary);
    out << report::breakeven_svg(found);
    out.close();
    if (!out) {
      return fail(Error::Kind::io,
                  fmt::format("cannot write `{}`: {}", printable(svg), std::strerror(errno)));
    }
  }
  if (context.json) {
    context.console.result(pretty_json(report::breakeven_json(found)));
    return Exit::done;
  }
  report::PlanScreen screen;
  screen.columns =
      context.console.out().is_terminal ? panel::Screen(STDOUT_FILENO).size().columns : 100;
  screen.unicode = context.console.out().unicode;
  context.console.result(report::render_breakeven(found, screen));
  return Exit::done;
}

}  // namespace interlock::cli
