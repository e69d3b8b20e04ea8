#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "changes/changeset.h"
#include "changes/text_merge.h"
#include "cli/commands.h"
#include "snapshots/local_snapshots.h"

// `diff`: what a task changed, as a patch that `git apply` takes, or in figures.
namespace interlock::cli {

namespace {

using changes::Change;
using changes::Kind;

constexpr std::size_t kShownBytesMax = 16u << 20;

/// The attempt of the task that is meant: the last whose changes are known, or the one named.
Result<const engine::AttemptRecord*> attempt_of(const runs::ChosenRun& run, TaskId id,
                                                std::uint32_t number) {
  const engine::TaskRecord& record = run.state[id];
  const engine::AttemptRecord* found = nullptr;
  for (const engine::AttemptRecord& attempt : record.attempts) {
    if (attempt.changes && (number == 0 || attempt.number == number)) found = &attempt;
  }
  if (found != nullptr) return found;
  const std::string& task = run.plan()[id].id;
  if (!record.attempts.empty() && record.attempts.back().isolation == plan::Isolation::direct) {
    return fail(
        Error::Kind::missing,
        fmt::format("changes of `{}` were not recorded: it ran in the workspace itself", task),
        "run it with `--isolation view`");
  }
  return fail(Error::Kind::missing,
              number == 0
                  ? fmt::format("`{}` has no attempt whose changes are known", task)
                  : fmt::format("`{}` has no attempt {} whose changes are known", task, number),
              fmt::format("interlock why {} {}", run.id(), task));
}

std::string mode_of(const changes::State& state) {
  if (state.kind == Kind::link) return "120000";
  return (state.mode & 0111) != 0 ? "100755" : "100644";
}

bool has_bytes(const changes::State& state) {
  return state.kind == Kind::file || state.kind == Kind::link;
}

/// Reads both sides of changes from what the run kept here, else from the store.
class Patch {
 public:
  Patch(snapshots::LocalSnapshots& snapshots, journal::Blobs& blobs, engine::AttemptName name)
      : snapshots_(snapshots), blobs_(blobs), name_(name) {}

  std::string of(const Change& change) {
    const bool before = has_bytes(change.before);
    const bool after = has_bytes(change.after);
    if (!before && !after) return of_folder(change);
    const bool types_differ = before && after && change.before.kind != change.after.kind;
    if (types_differ) {
      // As git does: the old one goes, the new one comes.
      return of(Change{change.path, change.before, {}}) + of(Change{change.path, {}, change.after});
    }
    std::string text =
        fmt::format("diff --git {0} {1}\n", quoted("a/", change.path), quoted("b/", change.path));
    if (!before) text += fmt::format("new file mode {}\n", mode_of(change.after));
    if (!after) text += fmt::format("deleted file mode {}\n", mode_of(change.before));
    if (before && after && mode_of(change.before) != mode_of(change.after)) {
      text +=
          fmt::format("old mode {}\nnew mode {}\n", mode_of(change.before), mode_of(change.after));
    }
    return text + body(change, before, after);
  }

 private:
  static std::string of_folder(const Change& change) {
    const auto report = [&](std::string_view what) {
      return fmt::format("# {} `{}`\n", what, printable(change.path));
    };
    if (change.after.kind == Kind::absent) return report("folder removed:");
    if (change.before.kind == Kind::absent) return report("folder made:");
    return fmt::format("# mode of `{}`: {:o} to {:o}\n", printable(change.path), change.before.mode,
                       change.after.mode);
  }

  std::string body(const Change& change, bool before, bool after) {
    if (before && after && change.before.digest == change.after.digest) return {};
    std::optional<std::string> old_bytes, new_bytes;
    if (before) {
      auto bytes = side(change, engine::Snapshots::Side::before);
      if (!bytes) return fmt::format("# {}\n", bytes.error().message);
      old_bytes = std::move(*bytes);
    }
    if (after) {
      auto bytes = side(change, engine::Snapshots::Side::after);
      if (!bytes) return fmt::format("# {}\n", bytes.error().message);
      new_bytes = std::move(*bytes);
    }
    const bool text = (!old_bytes || changes::is_text(*old_bytes)) &&
                      (!new_bytes || changes::is_text(*new_bytes));
    if (!text) {
      return fmt::format("Binary files {} and {} differ\n",
                         before ? "a/" + printable(change.path) : "/dev/null",
                         after ? "b/" + printable(change.path) : "/dev/null");
    }
    return changes::unified_diff(change.path, old_bytes, new_bytes);
  }

  Result<std::string> side(const Change& change, engine::Snapshots::Side side) {
    auto bytes = snapshots_.content(name_, change.path, side, kShownBytesMax);
    if (bytes) return bytes;
    // Of a run of another machine the store may have them.
    const bool is_old = side == engine::Snapshots::Side::before;
    auto kept = blobs_.blob(is_old ? change.before.digest : change.after.digest);
    return kept ? kept : bytes;
  }

  static std::string quoted(const std::string& prefix, const std::string& path) {
    const bool plain = std::ranges::none_of(path, [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' ||
             static_cast<unsigned char>(c) >= 0x7f;
    });
    if (plain) return prefix + path;
    std::string text = "\"" + prefix;
    for (const char c : path) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        text += '\\';
        text += c;
      } else if (byte < 0x20 || byte >= 0x7f) {
        text += fmt::format("\\{:03o}", byte);
      } else {
        text += c;
      }
    }
    return text + "\"";
  }

  snapshots::LocalSnapshots& snapshots_;
  journal::Blobs& blobs_;
  engine::AttemptName name_;
};

std::string_view word_of(const Change& change) {
  if (change.before.kind == Kind::absent) return "added";
  if (change.after.kind == Kind::absent) return "deleted";
  if (change.before.kind != change.after.kind) return "replaced";
  if (change.before.digest == change.after.digest) return "mode";
  return "modified";
}

std::string stat_text(const changes::Changeset& changeset) {
  std::string text;
  const auto renames = changes::renames_in(changeset);
  const auto is_renamed = [&](const std::string& path) {
    return std::ranges::any_of(
        renames, [&](const changes::Rename& one) { return one.from == path || one.to == path; });
  };
  for (const changes::Rename& one : renames)
    text += fmt::format("renamed   {} -> {}\n", printable(one.from), printable(one.to));
  for (const Change& one : changeset.changes) {
    if (is_renamed(one.path)) continue;
    const std::string size = one.before.kind == Kind::file && one.after.kind == Kind::file
                                 ? fmt::format("  {} -> {} bytes", one.before.size, one.after.size)
                                 : "";
    text += fmt::format("{}  {}{}{}\n", pad(word_of(one), 8), printable(one.path),
                        one.after.kind == Kind::folder ? "/" : "", size);
  }
  return text + fmt::format("{} path{} changed\n", changeset.changes.size(),
                            changeset.changes.size() == 1 ? "" : "s");
}

json::value state_json(const changes::State& state) {
  if (state.kind == Kind::absent) return nullptr;
  return json::object{
      {"kind", changes::name_of(state.kind)},
      {"mode", fmt::format("{:04o}", state.mode)},
      {"size", state.size},
      {"digest", has_bytes(state) ? json::value(state.digest.hex()) : json::value(nullptr)}};
}

json::object diff_json(const runs::ChosenRun& run, const std::string& task,
                       const engine::AttemptRecord& attempt, const changes::Changeset& changeset) {
  json::array list, renamed;
  for (const Change& one : changeset.changes) {
    list.push_back(json::object{{"path", printable(one.path)},
                                {"what", word_of(one)},
                                {"before", state_json(one.before)},
                                {"after", state_json(one.after)}});
  }
  for (const changes::Rename& one : changes::renames_in(changeset)) {
    renamed.push_back(json::object{{"from", printable(one.from)}, {"to", printable(one.to)}});
  }
  return {{"version", 1},
          {"run", run.id()},
          {"task", task},
          {"attempt", attempt.number},
          {"changes", std::move(list)},
          {"renames", std::move(renamed)}};
}

/// Added lines green, removed ones red, for a person's terminal.
std::string colored(const std::string& patch) {
  std::string text;
  for (std::size_t at = 0; at < patch.size();) {
    const std::size_t end = std::min(patch.find('\n', at), patch.size() - 1);
    const std::string_view line(patch.data() + at, end - at);
    const bool header =
        line.starts_with("+++") || line.starts_with("---") || line.starts_with("diff ");
    const std::string_view ink = header                   ? "\x1b[1m"
                                 : line.starts_with('+')  ? "\x1b[32m"
                                 : line.starts_with('-')  ? "\x1b[31m"
                                 : line.starts_with("@@") ? "\x1b[36m"
                                                          : "";
    text += ink.empty() ? std::string(line) : fmt::format("{}{}\x1b[0m", ink, line);
    text += '\n';
    at = end + 1;
  }
  return text;
}

}  // namespace

Result<Exit> diff_command(const Context& context, const std::string& name, const std::string& word,
                          const DiffOptions& options) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, word);
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  const auto id = runs::choose_task(run, meant->name);
  if (!id) return std::unexpected(id.error());
  const std::string& task = run.plan()[*id].id;
  const auto attempt = attempt_of(run, *id, options.attempt);
  if (!attempt) return std::unexpected(attempt.error());
  auto text = (*store)->blob(*(*attempt)->changes);
  if (!text) return std::unexpected(text.error());
  auto changeset = changes::changeset_from_text(*text);
  if (!changeset) return std::unexpected(changeset.error());
  if (context.json) {
    context.console.result(pretty_json(diff_json(run, task, **attempt, *changeset)));
    return Exit::done;
  }
  if (options.stat) {
    context.console.result(stat_text(*changeset));
    return Exit::done;
  }
  snapshots::LocalSnapshots snapshots(run.plan().workspace, context.state_folder, run.id());
  Patch patch(snapshots, **store, engine::snapshot_of(run.state, *id, (*attempt)->number));
  for (const Change& change : changeset->changes) {
    const std::string one = patch.of(change);
    context.console.result(context.console.out().color ? colored(one) : one);
  }
  return Exit::done;
}

}  // namespace interlock::cli
