#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "process/log_file.h"
#include "runs/messages.h"

// `log`: what the attempts wrote, in plan order or by time, each line under its task's name.
namespace interlock::cli {

namespace {

constexpr int kFollowMs = 100;

/// Reads the logs of a run, also while they grow.
class Logs {
 public:
  Logs(const runs::ChosenRun& run, std::string folder, std::optional<TaskId> only)
      : run_(&run), folder_(std::move(folder)), only_(only) {}

  /// The same run, looked at again: its plan has grown.
  void look_at(const runs::ChosenRun& run) { run_ = &run; }

  /// What agents print for programs is told as it reads.
  void make_readable() { readable_ = true; }

  /// What is new since the last call: attempt by attempt, or in the order it was written. `last`:
  /// also lines that were begun and will not be ended.
  std::vector<process::OwnedLine> next(bool by_time, bool last) {
    std::vector<process::OwnedLine> lines;
    open_new_ones(lines);
    for (auto& [name, one] : readers_) {
      for (process::LogLine& line : one.reader.next()) add(name, one, std::move(line), lines);
      if (!last) continue;
      for (process::LogLine& line : one.reader.unfinished()) add(name, one, std::move(line), lines);
      if (!one.messages) continue;
      for (std::string& text : one.messages->rest())
        lines.push_back({name, {one.last, process::Stream::output, std::move(text)}});
    }
    if (by_time) process::sort_by_time(lines);
    return lines;
  }

  /// `id`, `id#2`, `id check`, `id merge`: whose line it is.
  std::string tag_of(engine::AttemptName name) const {
    const std::string& id = run_->plan()[name.task].id;
    return fmt::format("{}{}{}", id, name.attempt > 1 ? fmt::format("#{}", name.attempt) : "",
                       name.phase == engine::kDriverPhase ? " merge"
                       : name.phase == 1                  ? " check"
                                                          : "");
  }

 private:
  struct Open {
    process::LogReader reader;
    std::unique_ptr<runs::Messages> messages;  ///< Null: its lines are told as they are.
    Time last{};
  };

  static void add(engine::AttemptName name, Open& one, process::LogLine line,
                  std::vector<process::OwnedLine>& lines) {
    one.last = line.at;
    if (!one.messages || line.stream != process::Stream::output) {
      lines.push_back({name, std::move(line)});
      return;
    }
    for (std::string& text : one.messages->line(line.text))
      lines.push_back({name, {line.at, line.stream, std::move(text)}});
  }

  std::unique_ptr<runs::Messages> messages_of(engine::AttemptName name) const {
    const auto& attempts = run_->state[name.task].attempts;
    const bool is_known = name.attempt > 0 && name.attempt <= attempts.size();
    if (!readable_) return nullptr;
    // Of an attempt that began after the run was looked at nothing more is known.
    return runs::Messages::of(run_->plan(), name.task,
                              is_known ? attempts[name.attempt - 1] : engine::AttemptRecord{},
                              name.phase);
  }

  /// Also where the attempt did the work of several tasks; and of its tries and their judge.
  bool is_log_of(engine::AttemptName name, TaskId task) const {
    if (name.task == task) return true;
    const auto& its = run_->plan()[task].tries;
    if (std::ranges::find(its, name.task) != its.end() || run_->plan()[task].judge == name.task)
      return true;
    const auto& attempts = run_->state[task].attempts;
    return name.phase == 0 && !attempts.empty() && attempts.front().batched_with == name.task &&
           name.attempt == 1;
  }

  /// What a person said, at the beginning of the attempt that was told.
  void add_messages(engine::AttemptName name, std::vector<process::OwnedLine>& lines) const {
    if (name.phase != 0) return;
    const auto& attempts = run_->state[name.task].attempts;
    for (const engine::MessageRecord& one : run_->state[name.task].messages) {
      if (one.attempt != name.attempt || name.attempt > attempts.size()) continue;
      lines.push_back({name,
                       {attempts[name.attempt - 1].started, process::Stream::remark,
                        fmt::format("{} says: {}", printable(one.by), printable(one.text))}});
    }
  }

  void open_new_ones(std::vector<process::OwnedLine>& lines) {
    for (const process::LogFile& file : process::logs_in(folder_)) {
      if (readers_.contains(file.name) || (only_ && !is_log_of(file.name, *only_))) continue;
      if (file.name.task.index() >= run_->plan().tasks.size()) continue;
      auto reader = process::LogReader::open(file.path);
      if (!reader) continue;
      add_messages(file.name, lines);
      readers_.emplace(file.name, Open{std::move(*reader), messages_of(file.name), {}});
    }
  }

  const runs::ChosenRun* run_;
  std::string folder_;
  std::optional<TaskId> only_;
  bool readable_ = false;
  std::map<engine::AttemptName, Open> readers_;
};

class EventFormatter {
 public:
  EventFormatter(const Context& context, const Logs& logs, const LogOptions& options)
      : context_(context), logs_(logs), options_(options) {}

  void report(const std::vector<process::OwnedLine>& lines) {
    for (const process::OwnedLine& line : lines)
      columns_ =
          std::max(columns_, std::min<std::size_t>(40, display_width(logs_.tag_of(line.name))));
    std::string text;
    for (const process::OwnedLine& line : lines) text += render(line);
    context_.console.result(text);
  }

 private:
  std::string render(const process::OwnedLine& line) const {
    if (context_.json) {
      return json::serialize(json::object{{"at", show_time(line.line.at)},
                                          {"task", logs_.tag_of(line.name)},
                                          {"stream", stream_name(line.line.stream)},
                                          {"text", printable(line.line.text)}}) +
             "\n";
    }
    const std::string time =
        options_.times ? show_time(line.line.at).substr(11, 12) + " " : std::string();
    const std::string_view mark = line.line.stream == process::Stream::error ? "!" : "|";
    return fmt::format("{}{} {} {}\n", time,
                       pad(elide_middle(logs_.tag_of(line.name), columns_), columns_), mark,
                       line.line.text);
  }

  static std::string_view stream_name(process::Stream stream) {
    switch (stream) {
      case process::Stream::output: return "output";
      case process::Stream::error: return "error";
      case process::Stream::remark: return "remark";
    }
    return {};
  }

  const Context& context_;
  const Logs& logs_;
  const LogOptions& options_;
  std::size_t columns_ = 0;
};

/// The run as it is now, where tasks were added to it since it was looked at.
Result<std::unique_ptr<runs::ChosenRun>> grown_since(journal::Store& store, runs::ChosenRun& run) {
  bool has_grown = false;
  std::uint64_t last = run.state.seq;
  auto read = store.replay(run.id(), run.state.seq, [&](engine::RecordedEvent&& recorded) {
    has_grown |= std::holds_alternative<engine::TasksAdded>(recorded.event) ||
                 std::holds_alternative<engine::FamilyExpanded>(recorded.event);
    last = recorded.seq;
  });
  if (!read) return std::unexpected(read.error());
  run.state.seq = last;  // What is known of it so far was looked through.
  if (!has_grown) return std::unique_ptr<runs::ChosenRun>();
  return runs::choose_run(store, run.id());
}

/// A result that was taken from an earlier run has its log there.
void print_reused(const Context& context, const runs::ChosenRun& run, std::optional<TaskId> only) {
  if (!only || run.state[*only].from_run.empty() || !run.state[*only].attempts.empty()) return;
  const std::string& task = run.plan()[*only].id;
  const std::string& from = run.state[*only].from_run;
  context.console.remark(fmt::format("`{}` was not run: its result is that of run {}", task, from));
  context.console.remark(fmt::format(" hint: interlock log {} {}", from, shell_quote(task)));
}

}  // namespace

Result<Exit> log_command(const Context& context, const std::string& name,
                         const LogOptions& options) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, options.task);
  if (!meant) return std::unexpected(meant.error());
  std::unique_ptr<runs::ChosenRun> run = std::move(meant->run);
  std::optional<TaskId> only;
  if (!meant->name.empty()) {
    const auto id = runs::choose_task(*run, meant->name);
    if (!id) return std::unexpected(id.error());
    only = *id;
  }
  print_reused(context, *run, only);
  Logs logs(*run, runs::log_folder(context.state_folder, run->id()), only);
  if (!options.raw && !context.json) logs.make_readable();
  EventFormatter formatter(context, logs, options);
  bool going = options.follow && run->dispatched();
  formatter.report(logs.next(options.by_time || going, !going));
  while (going) {
    ::poll(nullptr, 0, kFollowMs);
    going = run->dispatched();  // Its dispatcher ends with the run.
    auto grown = grown_since(**store, *run);
    if (!grown) return std::unexpected(grown.error());
    if (*grown) {
      logs.look_at(**grown);
      run = std::move(*grown);
    }
    formatter.report(logs.next(true, !going));
  }
  return Exit::done;
}

}  // namespace interlock::cli
