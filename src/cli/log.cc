#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>

#include "base/text.h"
#include "cli/commands.h"
#include "process/log_file.h"

// `log`: what the attempts wrote, in plan order or by time, each line under its task's name.
namespace interlock::cli {

namespace {

constexpr int kFollowMs = 100;

/// Reads the logs of a run, also while they grow.
class Logs {
 public:
  Logs(const ChosenRun& run, std::string folder, std::optional<TaskId> only)
      : run_(run), folder_(std::move(folder)), only_(only) {}

  /// What is new since the last call: attempt by attempt, or in the order it was written. `last`:
  /// also lines that were begun and will not be ended.
  std::vector<process::OwnedLine> next(bool by_time, bool last) {
    open_new_ones();
    std::vector<process::OwnedLine> lines;
    for (auto& [name, reader] : readers_) {
      for (process::LogLine& line : reader.next()) lines.push_back({name, std::move(line)});
      if (!last) continue;
      for (process::LogLine& line : reader.unfinished()) lines.push_back({name, std::move(line)});
    }
    if (by_time) process::sort_by_time(lines);
    return lines;
  }

  /// `id`, `id#2`, `id check`: whose line it is.
  std::string tag_of(engine::AttemptName name) const {
    const std::string& id = run_.plan()[name.task].id;
    return fmt::format("{}{}{}", id, name.attempt > 1 ? fmt::format("#{}", name.attempt) : "",
                       name.phase == 1 ? " check" : "");
  }

 private:
  void open_new_ones() {
    for (const process::LogFile& file : process::logs_in(folder_)) {
      if (readers_.contains(file.name) || (only_ && *only_ != file.name.task)) continue;
      if (file.name.task.index() >= run_.plan().tasks.size()) continue;
      if (auto reader = process::LogReader::open(file.path))
        readers_.emplace(file.name, std::move(*reader));
    }
  }

  const ChosenRun& run_;
  std::string folder_;
  std::optional<TaskId> only_;
  std::map<engine::AttemptName, process::LogReader> readers_;
};

class Teller {
 public:
  Teller(const Context& context, const Logs& logs, const LogOptions& options)
      : context_(context), logs_(logs), options_(options) {}

  void tell(const std::vector<process::OwnedLine>& lines) {
    for (const process::OwnedLine& line : lines)
      columns_ =
          std::max(columns_, std::min<std::size_t>(40, display_width(logs_.tag_of(line.name))));
    std::string text;
    for (const process::OwnedLine& line : lines) text += render(line);
    context_.talk.result(text);
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
    // What a process wrote goes to a terminal only without its escape sequences.
    const std::string text =
        context_.talk.out().is_terminal ? printable(line.line.text) : line.line.text;
    return fmt::format("{}{} {} {}\n", time,
                       pad(elide_middle(logs_.tag_of(line.name), columns_), columns_), mark, text);
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

}  // namespace

Result<Exit> log_command(const Context& context, const std::string& name,
                         const LogOptions& options) {
  auto store = journal::Store::open(context.state_folder, journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto run = choose_run(*store, name);
  if (!run) return std::unexpected(run.error());
  std::optional<TaskId> only;
  if (!options.task.empty()) {
    const auto id = choose_task(**run, options.task);
    if (!id) return std::unexpected(id.error());
    only = *id;
  }
  Logs logs(**run, log_folder(context.state_folder, (*run)->id()), only);
  Teller teller(context, logs, options);
  bool going = options.follow && (*run)->dispatched();
  teller.tell(logs.next(options.by_time || going, !going));
  while (going) {
    ::poll(nullptr, 0, kFollowMs);
    going = (*run)->dispatched();  // Its dispatcher ends with the run.
    teller.tell(logs.next(true, !going));
  }
  return Exit::done;
}

}  // namespace interlock::cli
