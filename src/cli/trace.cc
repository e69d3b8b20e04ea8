#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/otlp_post.h"
#include "cli/result_file.h"
#include "process/clock.h"
#include "report/run_trace.h"
#include "runs/opened_run.h"

// `trace` and `events`: a run in the forms that other programs read.
namespace interlock::cli {

namespace {

constexpr int kFollowMs = 100, kSpansMs = 500;

Result<void> write_otlp(const std::string& target, const std::vector<std::string>& batches) {
  if (is_url(target)) return post_otlp(target, batches);
  std::string lines;
  for (const std::string& batch : batches) lines += batch + "\n";
  return write_result_file(target, lines);
}

std::string trace_for(const std::string& file, const report::TraceSource& source) {
  return file.ends_with(".pftrace") ? report::perfetto_trace(source) : report::chrome_trace(source);
}

/// Sends to a receiver what is over, again and again, until the run is. A receiver that is away is
/// no reason to stop: what it did not take is sent the next time.
Result<Exit> follow_spans(const Context& context, journal::Store& store, const std::string& id,
                          const std::string& url) {
  if (!is_url(url))
    return fail(Error::Kind::invalid, "`--follow` sends to a receiver",
                "such as `--otlp http://127.0.0.1:4318`");
  process::SystemClock clock;
  report::SentSpans sent;
  std::unique_ptr<runs::ChosenRun> run;
  Result<void> all;
  for (bool lives = true; lives;) {
    // Before what it wrote last is read.
    lives = !run || run->dispatched();
    const auto summary = store.summary(id);
    if (!summary) return std::unexpected(summary.error());
    if (!run || run->state.seq != summary->events || !all) {
      auto read = runs::choose_run(store, id);
      if (!read) return std::unexpected(read.error());
      run = std::move(*read);
      const auto calls = report::calls_of(store, id);
      if (!calls) return std::unexpected(calls.error());
      const report::RunRecord record =
          report::record_of_run(*run, store, context.state_folder, clock.now());
      report::SentSpans now = sent;
      const auto batches = report::otlp_batches({*run, record, *calls}, now);
      const bool was_well = all.has_value();
      all = batches.empty() ? Result<void>() : write_otlp(url, batches);
      if (all) {
        sent = std::move(now);
      } else if (was_well) {
        context.console.remark("not sent yet: " + all.error().message);
      }
    }
    if (lives && run->dispatched()) ::poll(nullptr, 0, kSpansMs);
  }
  if (!all) return std::unexpected(all.error());
  if (context.json)
    context.console.result(
        pretty_json(json::object{{"version", 1}, {"run", id}, {"spans", sent.size()}}));
  else
    context.console.remark(fmt::format("sent {} spans of run {}", sent.size(), id));
  return Exit::done;
}

/// One line of `events`: docs/json.md.
std::string line_of(const runs::ChosenRun& run, const engine::RecordedEvent& recorded) {
  json::object line{{"version", 1},
                    {"run", run.id()},
                    {"seq", recorded.seq},
                    {"at", show_time(recorded.at)},
                    {"event", engine::name_of(recorded.event)}};
  const auto task = engine::task_of(recorded.event);
  line["task"] = task && task->index() < run.plan().tasks.size() ? json::value(run.plan()[*task].id)
                                                                 : json::value(nullptr);
  line["fields"] = engine::to_json(recorded.event);
  return json::serialize(line) + "\n";
}

}  // namespace

Result<Exit> trace_command(const Context& context, const std::string& name,
                           const TraceOptions& options) {
  if (options.out.empty() && options.otlp.empty() && options.joblog.empty())
    return fail(Error::Kind::invalid, "nothing says what to write",
                "-o FILE.json or FILE.pftrace for Perfetto, --otlp FILE or URL, --joblog FILE");
  const auto named = runs::open_named(context.place(), context.where, name);
  if (!named) return std::unexpected(named.error());
  const auto& [store, id] = *named;
  if (options.follow) return follow_spans(context, *store, id, options.otlp);
  auto run = runs::choose_run(*store, id);
  if (!run) return std::unexpected(run.error());
  const auto calls = report::calls_of(*store, id);
  if (!calls) return std::unexpected(calls.error());
  process::SystemClock clock;
  const report::RunRecord record =
      report::record_of_run(**run, *store, context.state_folder, clock.now());
  const report::TraceSource source{**run, record, *calls};
  report::SentSpans sent;
  json::array files;
  const auto add = [&](std::string_view form, const std::string& target,
                       const Result<void>& written) -> Result<void> {
    if (!written) return std::unexpected(written.error());
    files.push_back(json::object{{"form", form}, {"to", printable(target)}});
    if (context.json) return {};
    const std::string said = fmt::format("wrote {} of run {} to ", form, id);
    if (is_url(target))
      context.console.remark(said + printable(target));
    else
      context.console.remark_file(said, target, "");
    return {};
  };
  Result<void> all;
  if (!options.out.empty())
    all =
        add("a trace", options.out, write_result_file(options.out, trace_for(options.out, source)));
  if (all && !options.otlp.empty())
    all = add("OTLP spans", options.otlp,
              write_otlp(options.otlp, report::otlp_batches(source, sent)));
  if (all && !options.joblog.empty())
    all = add("a joblog", options.joblog, write_result_file(options.joblog, report::joblog(**run)));
  if (!all) return std::unexpected(all.error());
  if (!(*run)->state.ended && !options.otlp.empty())
    context.console.remark("note: what is not over yet has no span");
  if (context.json)
    context.console.result(
        pretty_json(json::object{{"version", 1}, {"run", id}, {"written", std::move(files)}}));
  return Exit::done;
}

Result<Exit> events_command(const Context& context, const std::string& name,
                            const EventsOptions& options) {
  auto opened = runs::open_run(context.place(), context.where, name);
  if (!opened) return std::unexpected(opened.error());
  auto& [store, run] = *opened;
  const std::string id = run->id();
  std::uint64_t after = options.after;
  bool ended = false;
  const auto print_new = [&]() -> Result<void> {
    std::string lines;
    std::vector<engine::RecordedEvent> events;
    auto read = store->replay(id, after, [&](engine::RecordedEvent&& recorded) {
      after = recorded.seq;
      ended = std::holds_alternative<engine::RunEnded>(recorded.event);
      events.push_back(std::move(recorded));
    });
    const bool has_grown = std::ranges::any_of(events, [](const engine::RecordedEvent& one) {
      return std::holds_alternative<engine::TasksAdded>(one.event) ||
             std::holds_alternative<engine::FamilyExpanded>(one.event);
    });
    if (has_grown) {
      auto grown = runs::choose_run(*store, id);
      if (!grown) return std::unexpected(grown.error());
      run = std::move(*grown);
    }
    for (const engine::RecordedEvent& one : events) lines += line_of(*run, one);
    context.console.result(lines);
    return read;
  };
  bool going = options.follow && run->dispatched();
  auto printed = print_new();
  while (printed && going && !ended) {
    ::poll(nullptr, 0, kFollowMs);
    going = run->dispatched();  // Before what it wrote last is read.
    printed = print_new();
  }
  if (!printed) return std::unexpected(printed.error());
  return Exit::done;
}

}  // namespace interlock::cli
