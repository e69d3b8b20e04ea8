#include "cli/history_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "decide/learn.h"
#include "decide/words.h"
#include "panel/screen.h"
#include "process/clock.h"
#include "report/history_view.h"
#include "runs/learning.h"

// `history`.
namespace interlock::cli {

namespace {

/// Leaves those of the innermost workspace that `folder` is or lies in.
template <typename T>
void keep_those_of(std::vector<T>& all, const std::string& folder) {
  std::string innermost;
  for (const T& it : all) {
    const std::string below = it.workspace.ends_with('/') ? it.workspace : it.workspace + "/";
    const bool around = folder == it.workspace || folder.starts_with(below);
    if (around && !it.workspace.empty() && it.workspace.size() > innermost.size())
      innermost = it.workspace;
  }
  std::erase_if(all, [&](const T& it) { return innermost.empty() || it.workspace != innermost; });
}

Result<journal::SampleFilter> filter_of(const HistoryOptions& options) {
  journal::SampleFilter filter;
  filter.task = options.task;
  filter.agent = options.agent;
  filter.model = options.model;
  filter.plan = options.plan;
  if (options.older.empty()) return filter;
  const auto age = parse_age(options.older);
  if (!age) {
    return fail(Error::Kind::invalid, fmt::format("`--older {}` is not an age", options.older),
                "such as `30d` or `12h`");
  }
  filter.before = process::SystemClock().now() - *age;
  return filter;
}

Result<journal::Samples> samples_for(const Context& context, journal::Store& store,
                                     const HistoryOptions& options) {
  auto filter = filter_of(options);
  if (!filter) return std::unexpected(filter.error());
  auto samples = store.samples(*filter);
  if (samples && options.here) keep_those_of(samples->good, context.where.folder);
  return samples;
}

/// Runs of earlier versions are read where that may be written down; else they wait.
Result<std::unique_ptr<journal::Store>> open_to_look(const Context& context) {
  auto reading = runs::open_store(context.place(), journal::Access::read);
  if (!reading) return reading;
  auto writing = runs::open_store(context.place(), journal::Access::write);
  if (!writing) return reading;
  runs::sample_old_runs(**writing);
  return writing;
}

Result<Exit> show_regret(const Context& context, journal::Store& store,
                         const HistoryOptions& options) {
  auto regrets = store.regrets({});
  if (!regrets) return std::unexpected(regrets.error());
  std::erase_if(*regrets, [&](const history::Regret& it) {
    return !options.plan.empty() && it.plan != options.plan;
  });
  if (options.here) keep_those_of(*regrets, context.where.folder);
  if (context.json) {
    context.console.result(pretty_json(report::regrets_json(*regrets)));
    return Exit::done;
  }
  context.console.result(report::regrets_text(*regrets));
  if (regrets->empty()) context.console.remark("no run was looked at in hindsight yet");
  return Exit::done;
}

Result<Exit> show(const Context& context, journal::Store& store, const HistoryOptions& options) {
  auto samples = samples_for(context, store, options);
  if (!samples) return std::unexpected(samples.error());
  auto history = store.history({});
  if (!history) return std::unexpected(history.error());
  const report::HistoryBy by = options.by == "agent"   ? report::HistoryBy::agent
                               : options.by == "model" ? report::HistoryBy::model
                                                       : report::HistoryBy::task;
  const auto rows = report::history_rows(samples->good, by);
  if (context.json) {
    context.console.result(pretty_json(report::history_json(rows, *history, samples->damaged)));
    return Exit::done;
  }
  const std::size_t columns = context.console.out().is_terminal
                                  ? panel::Screen(STDOUT_FILENO).size().columns
                                  : std::size_t{200};
  std::string text = report::history_text(rows, by, columns);
  const std::string slowings = report::slowings_text(*history);
  if (!text.empty() && !slowings.empty()) text += "\n";
  context.console.result(text + slowings);
  if (rows.empty())
    context.console.remark("nothing was measured yet: `interlock run PLAN` does it");
  if (samples->damaged > 0)
    context.console.remark(fmt::format("warning: {} cannot be read and {} left out",
                                       decide::count_of(samples->damaged, "sample"),
                                       samples->damaged == 1 ? "is" : "are"));
  return Exit::done;
}

Result<Exit> give_out(const Context& context, journal::Store& store,
                      const HistoryOptions& options) {
  auto samples = samples_for(context, store, options);
  if (!samples) return std::unexpected(samples.error());
  std::string text;
  for (auto it = samples->good.rbegin(); it != samples->good.rend(); ++it)
    text += json::serialize(history::to_json(*it)) + "\n";
  // Calls belong to accounts, not to tasks.
  const bool all = options.task.empty() && options.agent.empty() && options.model.empty() &&
                   options.plan.empty() && options.older.empty() && !options.here;
  if (all) {
    const auto calls = store.calls();
    if (!calls) return std::unexpected(calls.error());
    for (const history::Call& it : *calls) text += json::serialize(history::to_json(it)) + "\n";
  }
  context.console.result(text);
  return Exit::done;
}

Result<Exit> forget(const Context& context, const HistoryOptions& options) {
  const bool says = !options.task.empty() || !options.agent.empty() || !options.model.empty() ||
                    !options.plan.empty() || !options.older.empty() || options.all;
  if (!says) {
    return fail(Error::Kind::invalid, "nothing says which measurements to forget",
                "pass `--older 90d`, `--agent NAME`, `--plan NAME`, `--task ID` or `--all`");
  }
  auto filter = filter_of(options);
  if (!filter) return std::unexpected(filter.error());
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  runs::sample_old_runs(**store);  // Else they would come back.
  const auto gone = (*store)->forget_samples(*filter);
  if (!gone) return std::unexpected(gone.error());
  if (context.json)
    context.console.result(pretty_json(json::object{{"version", 1}, {"forgotten", *gone}}));
  else
    context.console.remark(fmt::format("forgot {}", decide::count_of(*gone, "measurement")));
  return Exit::done;
}

Result<std::string> text_of(const std::string& file) {
  if (file.empty()) {
    return fail(Error::Kind::invalid, "nothing says what to import",
                "name a file of JSON lines, or `-` for standard input");
  }
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream stream(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream.is_open() || stream.bad())
    return fail(Error::Kind::invalid, fmt::format("cannot read `{}`", printable(file)));
  return text;
}

struct Lines {
  std::vector<history::Sample> samples;
  std::vector<history::Call> calls;

  /// What is wrong with the line; empty: it is taken.
  std::string take(std::string_view line) {
    const auto value = parse_json(line);
    if (!value) return value.error().message;
    if (history::is_call(*value)) {
      auto call = history::call_from_json(*value);
      if (!call) return call.error().message;
      calls.push_back(std::move(*call));
      return {};
    }
    auto sample = history::sample_from_json(*value);
    if (!sample) return sample.error().message;
    samples.push_back(std::move(*sample));
    return {};
  }
};

/// All lines, or what is wrong with each that is not one.
Result<Lines> read_lines(const std::string& text, const std::string& name) {
  constexpr std::size_t kShownMax = 10;
  Lines lines;
  std::string wrong;
  std::size_t number = 0, faults = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string fault = lines.take(line);
    if (!fault.empty() && faults++ < kShownMax)
      wrong += fmt::format("\n  line {}: {}", number, fault);
  }
  if (faults == 0) return lines;
  if (faults > kShownMax) wrong += fmt::format("\n  and {} more", faults - kShownMax);
  return fail(Error::Kind::invalid,
              fmt::format("cannot import `{}`, nothing of it was taken:{}", printable(name), wrong),
              "docs/history.md has the format");
}

Result<Exit> take_in(const Context& context, const HistoryOptions& options) {
  auto text = text_of(options.file);
  if (!text) return std::unexpected(text.error());
  auto lines = read_lines(*text, options.file == "-" ? "standard input" : options.file);
  if (!lines) return std::unexpected(lines.error());
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  if (auto added = (*store)->add_samples(lines->samples, lines->calls); !added)
    return std::unexpected(added.error());
  const std::size_t count = lines->samples.size() + lines->calls.size();
  if (context.json)
    context.console.result(pretty_json(json::object{{"version", 1}, {"imported", count}}));
  else
    context.console.remark(fmt::format("imported {}", decide::count_of(count, "measurement")));
  return Exit::done;
}

}  // namespace

void declare_history(CLI::App& verb, HistoryOptions& its) {
  verb.add_option("ACTION", its.action, "show, prune, import or export [show]")
      ->check(CLI::IsMember({"show", "prune", "import", "export"}));
  verb.add_option("FILE", its.file,
                  "What to import: JSON lines (docs/history.md); `-`: standard input");
  verb.add_option("--task", its.task, "Only of the task with this id")->type_name("ID");
  verb.add_option("--agent", its.agent, "Only of this agent")->type_name("NAME");
  verb.add_option("--model", its.model, "Only of this model")->type_name("NAME");
  verb.add_option("--of-plan", its.plan, "Only of the plan with this name")->type_name("NAME");
  verb.add_option("--older", its.older, "Only what is older than AGE, such as 90d")
      ->type_name("AGE");
  verb.add_flag("--all", its.all, "prune: everything");
  verb.add_flag("--here", its.here, "Only of the workspace this folder belongs to");
  verb.add_option("--by", its.by, "Put together by task, agent or model [task]")
      ->check(CLI::IsMember({"task", "agent", "model"}))
      ->type_name("WHAT");
  verb.add_flag("--regret", its.regret, "How good the decisions of runs were, seen afterwards");
}

Result<Exit> history_command(const Context& context, const HistoryOptions& options) {
  if (options.action == "prune") return forget(context, options);
  if (options.action == "import") return take_in(context, options);
  if (!options.file.empty())
    return fail(Error::Kind::invalid, "only `history import` takes a FILE");
  auto store = open_to_look(context);
  if (!store) return std::unexpected(store.error());
  if (options.action == "export") return give_out(context, **store, options);
  if (options.regret) return show_regret(context, **store, options);
  return show(context, **store, options);
}

}  // namespace interlock::cli
