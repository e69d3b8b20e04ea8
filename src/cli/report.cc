#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/result_file.h"
#include "process/clock.h"
#include "report/run_html.h"
#include "report/run_record.h"
#include "runs/opened_run.h"

// `report`: a run as a document for people who were not there.
namespace interlock::cli {

Result<Exit> report_command(const Context& context, const std::string& name,
                            const std::string& file) {
  const bool markdown = file.ends_with(".md");
  if (!markdown && !file.ends_with(".html"))
    return fail(Error::Kind::invalid,
                fmt::format("`{}` ends in neither .html nor .md, so it is not clear what to write",
                            printable(file)),
                "-o report.html, or -o report.md for a pull request");
  auto opened = runs::open_run(context.place(), context.where, name);
  if (!opened) return std::unexpected(opened.error());
  const auto& [store, run] = *opened;
  process::SystemClock clock;
  const report::RunRecord record =
      report::record_for_document(*run, *store, context.state_folder, clock.now());
  const std::string text = markdown ? report::run_markdown(record) : report::run_html(record);
  if (auto written = write_result_file(file, text); !written)
    return std::unexpected(written.error());
  if (context.json) {
    context.console.result(pretty_json(json::object{
        {"version", 1}, {"run", record.id}, {"file", printable(file)}, {"bytes", text.size()}}));
  } else {
    context.console.remark_file("wrote ", file,
                                fmt::format(" of run {} ({})", record.id, record.state));
  }
  return Exit::done;
}

}  // namespace interlock::cli
