#include <fmt/format.h>

#include "base/text.h"
#include "changes/path_text.h"
#include "cli/commands.h"

// `output`: what a run gave back.
namespace interlock::cli {

namespace {

struct Entry {
  std::string name;
  std::string kind;  ///< `merge` or `task`.
  std::optional<Digest> output;
  std::string trouble;
};

/// Of a task at its gate, what a person is to approve: nobody else is given it yet.
std::optional<Digest> output_so_far(const engine::TaskRecord& record) {
  const bool waits = record.state == engine::TaskState::reviewing && !record.attempts.empty();
  return waits && !record.output ? record.attempts.back().output : record.output;
}

std::vector<Entry> entries_of(const runs::ChosenRun& run) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < run.plan().merges.size(); ++i) {
    const engine::MergeRecord& made = run.state.merges[i];
    entries.push_back({run.plan().merges[i].name, "merge", made.output, made.failure});
  }
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    const plan::Task& task = run.plan().tasks[i];
    const engine::TaskRecord& record = run.state.tasks[i];
    if (task.output.form == plan::OutputSpec::Form::exit_status && !record.output) continue;
    entries.push_back({task.id, "task", output_so_far(record), std::string(name_of(record.state))});
  }
  return entries;
}

Result<Exit> list(const Context& context, const std::vector<Entry>& entries) {
  json::array all;
  std::string text;
  for (const Entry& entry : entries) {
    all.push_back(json::object{
        {"name", entry.name},
        {"kind", entry.kind},
        {"output", entry.output ? json::value(entry.output->hex()) : json::value(nullptr)}});
    text += fmt::format(
        "{}  {}  {}\n", pad(entry.kind, 5), pad(entry.name, 32),
        entry.output ? entry.output->brief() : fmt::format("none ({})", printable(entry.trouble)));
  }
  context.console.result(
      context.json ? pretty_json(json::object{{"version", 1}, {"outputs", std::move(all)}}) : text);
  return Exit::done;
}

Result<Exit> print_output(const Context& context, journal::Store& store, const runs::ChosenRun& run,
                          const Entry& entry) {
  if (!entry.output) {
    // A merge is no task that `why` could explain.
    const bool is_task = entry.kind == "task";
    return fail(Error::Kind::missing,
                fmt::format("there is no output of {} `{}`: {}", entry.kind, entry.name,
                            entry.trouble.empty() ? "it was not made yet" : entry.trouble),
                is_task ? fmt::format("interlock why {} {}", run.id(), shell_quote(entry.name))
                        : fmt::format("interlock show {}", run.id()));
  }
  auto bytes = store.blob(*entry.output);
  if (!bytes) return std::unexpected(bytes.error());
  if (entry.trouble == name_of(engine::TaskState::reviewing))
    context.console.remark(
        fmt::format("note: `{}` waits for approval; no other task is given it before", entry.name));
  if (context.json) {
    const bool is_text = !first_bad_utf8(*bytes);
    context.console.result(pretty_json(json::object{
        {"version", 1},
        {"run", run.id()},
        {"name", entry.name},
        {"kind", entry.kind},
        {"output", entry.output->hex()},
        {"text", is_text ? json::value(*bytes) : json::value(nullptr)},
        {"base64", is_text ? json::value(nullptr) : json::value(changes::base64_of(*bytes))}}));
    return Exit::done;
  }
  context.console.result(*bytes);
  if (!bytes->empty() && bytes->back() != '\n' && context.console.out().is_terminal)
    context.console.result("\n");
  return Exit::done;
}

}  // namespace

Result<Exit> output_command(const Context& context, const std::string& run_name,
                            const std::string& word) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, run_name, word);
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  const std::string& name = meant->name;
  const std::vector<Entry> entries = entries_of(run);
  if (name.empty()) {
    const bool one_merge = run.plan().merges.size() == 1 && entries.front().output;
    if (!one_merge || context.json) return list(context, entries);
    return print_output(context, **store, run, entries.front());
  }
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    if (entry.name == name) return print_output(context, **store, run, entry);
    names.push_back(entry.name);
  }
  const auto near = nearest_word(name, names);
  return fail(Error::Kind::missing,
              fmt::format("run {} has no output `{}`", run.id(), printable(name)),
              near            ? fmt::format("did you mean `{}`?", *near)
              : names.empty() ? ""
                              : fmt::format("there are: {}", join_words(names, 8)));
}

}  // namespace interlock::cli
