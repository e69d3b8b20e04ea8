// One task of the document becomes one task of the plan, or one for each file its `foreach`
// matches.

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "plan/conditions.h"
#include "plan/item_names.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

constexpr std::size_t kMostUnfoldedBytes = 512u << 20;
constexpr std::size_t kMostPromptBytes = 4u << 20;
constexpr std::size_t kMostIdBytes = 128;
constexpr std::size_t kMostForeach = 1000;

/// Makes one task of a draft: fills what is known now, and tells what can never be filled.
class Instance {
 public:
  Instance(Reading& reading, const TaskDraft& draft, Task task, const ItemNames* item,
           TaskList& list, const Round* round)
      : reading_(reading),
        draft_(draft),
        item_(item),
        list_(list),
        round_(round),
        task_(std::move(task)) {}

  void add();

 private:
  std::optional<std::string> look_up(std::string_view name) const {
    if (item_ != nullptr) {
      if (auto value = item_->find(name)) return value;
    }
    return reading_.set(name);
  }
  /// For what is settled when the plan is read: nothing may be left to fill.
  std::string settled(const Item& item, std::string (*write)(std::string_view)) const;
  std::string in_round(std::string_view text) const {
    return round_ == nullptr ? std::string(text) : round_->renamed(std::string(text));
  }
  std::string early(std::string_view written) const {
    const std::string text = in_round(written);
    return fill(text, [&](std::string_view name) { return look_up(name); }, Stage::early);
  }
  Command early(Command command, Node node) const;
  void read_id();
  void read_prompt();
  void take_prompt(std::string_view text, Node node);
  footprint::PatternSet patterns(const std::vector<Item>& items) const;
  void read_footprint();
  void note_mentions(std::uint32_t index);

  Reading& reading_;
  const TaskDraft& draft_;
  const ItemNames* item_;
  TaskList& list_;
  const Round* round_;
  Task task_;
};

/// About the bytes a task takes, so that a small plan cannot unfold to more than a machine holds.
std::size_t weight_of(const Task& task) {
  constexpr std::size_t kEach = 64;
  auto weight = task.prompt.size() + task.run.shell.size() + task.verify.shell.size() +
                task.when.size() + (task.output.schema ? task.output.schema->size() : 0) +
                kEach * task.uses.size();
  for (const auto* texts : {&task.run.arguments, &task.verify.arguments, &task.repair.arguments,
                            &task.setup.arguments}) {
    for (const auto& text : *texts) weight += text.size() + kEach;
  }
  weight += task.setup.shell.size() + kEach * task.services.size();
  for (const Service& service : task.services) weight += service.run.shell.size() + kEach;
  for (const auto& [name, value] : task.environment) weight += name.size() + value.size() + kEach;
  for (const auto* set : {&task.footprint.reads, &task.footprint.writes}) {
    for (const auto& glob : set->include) weight += glob.text().size() + kEach;
    for (const auto& glob : set->exclude) weight += glob.text().size() + kEach;
  }
  return weight;
}

std::string as_written(std::string_view text) { return std::string(text); }

std::string Instance::settled(const Item& item, std::string (*write)(std::string_view)) const {
  if (!has_braces(item.text)) return item.text;
  const auto find = [&](std::string_view name) -> std::optional<std::string> {
    if (item_ != nullptr) {
      if (const auto value = item_->find(name)) return write(*value);
    }
    return reading_.set(name);
  };
  check_braces(reading_, item.text, item.node, find);
  for (const auto& name : placeholders(item.text)) {
    if (find(name)) continue;
    if (!is_of_item(name)) {
      reading_.problems.add(item.node.span(),
                            fmt::format("`{{{}}}` is known only when the task runs", name),
                            "it can stand in `prompt`, `run`, `verify` and `env`");
    } else if (item_ == nullptr) {
      reading_.problems.add(item.node.span(),
                            fmt::format("`{{{}}}` is known only in a task with `foreach`", name));
    } else {
      reading_.problems.add(item.node.span(), fmt::format("unknown placeholder `{{{}}}`", name),
                            did_you_mean(reading_, name, item_placeholders()));
    }
  }
  return fill(item.text, find);
}

Command Instance::early(Command command, Node node) const {
  if (command.empty()) return command;
  if (round_ != nullptr) {
    command.shell = in_round(command.shell);
    for (std::string& argument : command.arguments) argument = in_round(argument);
  }
  const auto find = [&](std::string_view name) { return look_up(name); };
  if (const auto script = script_of(command)) {
    if (const auto place = unsafe_for_shell(*script, find)) {
      reading_.problems.add(
          node.span(),
          fmt::format("`{{{}}}` stands {}, where a shell would not take it as data", place->name,
                      place->where),
          "let it stand in a word of its own, or pass it through `env`");
    }
  }
  return fill_command(std::move(command), find, Stage::early);
}

void Instance::read_id() {
  task_.id = settled(*draft_.id, as_id);
  if (round_ != nullptr) task_.id = round_->id_of(task_.id, round_->number);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  const auto& id = task_.id;
  const bool well_formed =
      !id.empty() && std::ranges::all_of(id, allowed) && id[0] != '.' && id[0] != '-';
  if (well_formed && id.size() <= kMostIdBytes) return;
  if (well_formed) {
    reading_.problems.add(
        draft_.id->node.span(),
        fmt::format("the id is {} characters long, more than {}", id.size(), kMostIdBytes));
    return;
  }
  auto better = as_id(id);
  better.erase(0, std::min(better.size(), better.find_first_not_of("-.")));
  reading_.problems.add(
      draft_.id->node.span(), fmt::format("{} is not a task id", quoted(id)),
      fmt::format("ids are letters, digits, `_`, `.` and `-`{}",
                  better.empty() ? "" : fmt::format(", such as {}", quoted(better))));
}

void Instance::take_prompt(std::string_view written, Node node) {
  const std::string text = in_round(written);
  const auto known = [&](std::string_view name) { return look_up(name); };
  check_braces(reading_, text, node, known);
  task_.prompt = early(with_plain_braces(text, known));
}

void Instance::read_prompt() {
  if (draft_.prompt) {
    take_prompt(draft_.prompt->text, draft_.prompt->node);
  } else if (draft_.prompt_file) {
    const auto path = settled(*draft_.prompt_file, as_written);
    const auto text = reading_.files.read(reading_.path_of(path), kMostPromptBytes);
    if (!text) {
      reading_.problems.add(draft_.prompt_file->node.span(), text.error().message,
                            text.error().hint);
    } else if (const auto bad = first_bad_utf8(*text)) {
      reading_.problems.add(draft_.prompt_file->node.span(),
                            fmt::format("{} is not UTF-8 at byte {}", quoted(path), *bad + 1));
    } else {
      take_prompt(*text, draft_.prompt_file->node);
    }
  }
}

footprint::PatternSet Instance::patterns(const std::vector<Item>& items) const {
  footprint::PatternSet set;
  set.include.reserve(items.size());
  for (const auto& item : items) {
    const auto text = settled(item, footprint::escape);
    const bool excludes = text.starts_with('!');
    auto glob = footprint::Glob::parse(std::string_view(text).substr(excludes ? 1 : 0));
    if (glob) {
      (excludes ? set.exclude : set.include).push_back(std::move(*glob));
    } else {
      reading_.problems.add(item.node.span(), glob.error().message, glob.error().hint);
    }
  }
  if (set.include.empty() && !set.exclude.empty()) {
    reading_.problems.add(items.front().node.span(), "exclusions alone name nothing",
                          "put what they are taken from before them, such as `**`");
  }
  return set;
}

void Instance::read_footprint() {
  auto& footprint = task_.footprint;
  footprint.unknown = !draft_.declares_reads && !draft_.declares_writes;
  footprint.reads = patterns(draft_.reads);
  footprint.writes = patterns(draft_.writes);
  if (!draft_.output_file) return;
  task_.output.file = settled(*draft_.output_file, as_written);
  if (!footprint::is_path(task_.output.file)) {
    reading_.problems.add(
        draft_.output_file->node.span(),
        fmt::format("{} is not a path inside the workspace", quoted(task_.output.file)),
        "it is relative to the workspace, without `..`");
    return;
  }
  // What a task leaves its output in it writes, whether it says so or not.
  if (footprint.unknown || footprint.writes.matches(task_.output.file)) return;
  if (auto glob = footprint::Glob::parse(footprint::escape(task_.output.file))) {
    footprint.writes.include.push_back(std::move(*glob));
  }
}

void Instance::note_mentions(std::uint32_t index) {
  for (const auto& need : draft_.needs) {
    std::string name = settled(need, as_id);
    if (round_ != nullptr && round_->has(name)) name = round_->id_of(name, round_->number);
    list_.mentions.push_back({index, std::move(name), need.node.span(), false, true});
  }
  for (std::uint32_t group = 0; group < draft_.any_of.size(); ++group) {
    for (const auto& need : draft_.any_of[group])
      list_.mentions.push_back(
          {index, settled(need, as_id), need.node.span(), false, true, group + 1});
  }
  const auto note = [&](std::string_view text, const std::optional<Node>& node) {
    plan::note_mentions(reading_, text, node.value_or(draft_.node), index, list_, item_ != nullptr);
  };
  const auto note_command = [&](const Command& command, const std::optional<Node>& node) {
    note(command.shell, node);
    for (const auto& argument : command.arguments) note(argument, node);
  };
  if (draft_.prompt) note(task_.prompt, draft_.prompt->node);
  if (draft_.prompt_file) note(task_.prompt, draft_.prompt_file->node);
  note_command(task_.run, draft_.run_node);
  note_command(task_.verify, draft_.verify_node);
  note_command(task_.repair, draft_.repair_node);
  note_command(task_.setup, std::nullopt);
  for (const auto& [name, value] : task_.environment) note(value, draft_.env_node);
}

void Instance::add() {
  read_id();
  read_prompt();
  task_.run = early(std::move(task_.run), draft_.run_node.value_or(draft_.node));
  task_.verify = early(std::move(task_.verify), draft_.verify_node.value_or(draft_.node));
  task_.repair = early(std::move(task_.repair), draft_.repair_node.value_or(draft_.node));
  task_.setup = early(std::move(task_.setup), draft_.node);
  for (auto& [name, value] : task_.environment) value = early(value);
  read_footprint();
  if (draft_.when && (round_ == nullptr || round_->is_try)) {
    plan::read_when(
        reading_, *draft_.when, [&](std::string_view name) { return look_up(name); }, task_,
        static_cast<std::uint32_t>(list_.tasks.size()), list_);
  }
  note_mentions(static_cast<std::uint32_t>(list_.tasks.size()));
  if (draft_.declares_writes && !draft_.declares_reads) list_.without_reads.push_back(task_.id);
  if (item_ != nullptr) task_.item = item_->path;
  if (round_ != nullptr) task_.board.round = round_->number;
  task_.place = reading_.problems.source().place(draft_.node.span());
  list_.unfolded_bytes += weight_of(task_);
  list_.id_spans.push_back(draft_.id->node.span());
  list_.tasks.push_back(std::move(task_));
}

}  // namespace

void add_instance(Reading& reading, const TaskDraft& draft, const ItemNames* item, TaskList& list,
                  const Round* round) {
  Instance(reading, draft, draft.task, item, list, round).add();
}

namespace {

/// The files a `foreach` matches; nothing after a problem. Each looks through the whole workspace.
std::optional<std::vector<std::string>> matches_of(Reading& reading, const TaskDraft& draft,
                                                   TaskList& list) {
  if (++list.foreach_count > kMostForeach) {
    reading.problems.add(draft.foreach.front().node.span(),
                         fmt::format("the plan has more than {} `foreach`", kMostForeach));
    return std::nullopt;
  }
  footprint::PatternSet set;
  const auto reported = reading.problems.reported();
  for (const auto& item : draft.foreach) {
    check_braces(reading, item.text, item.node, reading.set);
    const auto text = fill(item.text, reading.set);
    const bool excludes = text.starts_with('!');
    auto glob = footprint::Glob::parse(std::string_view(text).substr(excludes ? 1 : 0));
    if (glob) {
      (excludes ? set.exclude : set.include).push_back(std::move(*glob));
    } else {
      reading.problems.add(item.node.span(), glob.error().message, glob.error().hint);
    }
  }
  if (reading.problems.reported() != reported) return std::nullopt;
  auto paths = reading.files.matching(reading.plan.workspace, set);
  if (paths) return std::move(*paths);
  reading.problems.add(draft.foreach.front().node.span(), paths.error().message,
                       paths.error().hint);
  return std::nullopt;
}

}  // namespace

void unfold(Reading& reading, TaskDraft&& draft, TaskList& list) {
  const auto too_many = [&](std::size_t tasks) {
    if (tasks <= kMostTasks && list.unfolded_bytes <= kMostUnfoldedBytes) return false;
    reading.problems.add(draft.node.span(),
                         "the plan unfolds to more than a million tasks or 512 MiB of texts",
                         "split it into several plans");
    return true;
  };
  if (is_over_output(draft) && draft.tries_node) {
    reading.problems.add(draft.tries_node->span(), "a `foreach` over an output has no `tries`",
                         "let one task with `tries` go through all items, or name files instead");
    return;
  }
  if (is_over_output(draft)) {
    if (!too_many(list.tasks.size() + draft.at_most.value_or(1)))
      unfold_family(reading, draft, list);
    return;
  }
  if (draft.at_most_node)
    reading.problems.add(draft.at_most_node->span(),
                         "`at_most` bounds a `foreach` over an output, and this is none");
  if (draft.foreach.empty()) {
    if (too_many(list.tasks.size() + 1)) return;
    if (draft.tries > 0) return add_with_tries(reading, draft, nullptr, list);
    Instance(reading, draft, std::move(draft.task), nullptr, list, nullptr).add();
    return;
  }
  const auto paths = matches_of(reading, draft, list);
  if (!paths) return;
  if (paths->empty()) {
    list.unmatched.push_back({draft.id->text, draft.task.output.form == OutputSpec::Form::json});
    const auto line = reading.problems.source().place(draft.node.span()).line;
    reading.plan.notes.push_back(
        fmt::format("the `foreach` of {} (line {}) matches no file, so no task comes of it",
                    quoted(draft.id->text), line));
    return;
  }
  if (paths->size() > 1 && std::ranges::none_of(placeholders(draft.id->text), is_of_item)) {
    reading.problems.add(draft.id->node.span(), "every task of a `foreach` would have this id",
                         fmt::format("put a placeholder into it: `\"{}-{{item.stem}}\"`",
                                     printable(draft.id->text)));
    return;
  }
  if (too_many(list.tasks.size() + paths->size())) return;
  // The first file that makes trouble stands for all: the same trouble comes from the same line.
  const auto reported = reading.problems.reported();
  std::size_t index = 0;
  for (const auto& path : *paths) {
    const auto names = ItemNames::of(path, ++index);
    add_with_tries(reading, draft, &names, list);
    if (reading.problems.reported() != reported || too_many(list.tasks.size())) return;
  }
}

}  // namespace interlock::plan
