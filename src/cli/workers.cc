#include "cli/workers.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "runs/workers.h"

// `worker` and `workers`: who does what other machines dispatch.
namespace interlock::cli {

/// By a variable, as the store: what goes on without this terminal is told so as well.
void add_workers_options(CLI::App* sub) {
  sub->add_flag_callback(
      "--workers", [] { ::setenv(runs::kWorkersVariable, "any", 0); },
      "Let workers take what they can of it (docs/cluster.md); the store is on a server");
  sub->add_option_function<std::string>(
         "--labels",
         [](const std::string& labels) { ::setenv(runs::kWorkersVariable, labels.c_str(), 1); },
         "The same, but only workers that have all of these")
      ->type_name("LABEL[,LABEL]");
}

Result<Exit> worker_command(const Context& context, const WorkerOptions& options) {
  runs::WorkerRequest request{options.slots, options.labels, std::string(kVersion)};
  auto worked = runs::work(context.place(), request,
                           [&](const std::string& line) { context.console.remark(line); });
  if (!worked) return std::unexpected(worked.error());
  return Exit::done;
}

Result<Exit> workers_command(const Context& context) {
  const auto workers = runs::living_workers(context.place());
  if (!workers) return std::unexpected(workers.error());
  if (context.json) {
    json::array list;
    for (const postgres::WorkerStatus& one : *workers) {
      json::array labels;
      for (const std::string& label : one.self.labels) labels.push_back(json::string(label));
      list.push_back(
          json::object{{"id", one.self.id},
                       {"host", one.self.host},
                       {"interlock", one.self.version},
                       {"labels", std::move(labels)},
                       {"isolation", json::array{"view"}},
                       {"runs", one.runs.empty() ? json::value(nullptr) : json::value(one.runs)},
                       {"lease_left_s", to_seconds(one.lease_left)}});
    }
    context.console.result(pretty_json(json::object{{"version", 1}, {"workers", std::move(list)}}));
    return Exit::done;
  }
  if (workers->empty()) {
    context.console.remark("no worker lives; `interlock worker` with this store is one");
    return Exit::done;
  }
  std::size_t widest = 0;
  for (const auto& one : *workers) widest = std::max(widest, display_width(one.self.id));
  std::string text;
  for (const postgres::WorkerStatus& one : *workers) {
    const std::string labels =
        one.self.labels.empty() ? "" : "  labels " + join_words(one.self.labels, 8);
    text +=
        fmt::format("{}  commands in views{}  {}\n", pad(printable(one.self.id), widest),
                    printable(labels), one.runs.empty() ? "idle" : "runs " + printable(one.runs));
  }
  context.console.result(text);
  return Exit::done;
}

}  // namespace interlock::cli
