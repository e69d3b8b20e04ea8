#include <fmt/format.h>

#include "base/text.h"
#include "changes/stale.h"
#include "engine/engine.h"

// What attempts changed: taken from their pictures, and held against what they were allowed.
namespace interlock::engine {

namespace {

constexpr std::size_t kPathsNamed = 3;

bool lies_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

std::string lines_for(const std::vector<std::string>& paths, std::string_view key) {
  std::string list;
  for (std::size_t i = 0; i < std::min(paths.size(), kPathsNamed); ++i)
    list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", changes::shown(paths[i]));
  return fmt::format("`{}: [{}]`", key, list);
}

std::string named(const std::vector<std::string>& paths) {
  std::vector<std::string> quoted;
  for (const std::string& path : paths) quoted.push_back(fmt::format("`{}`", changes::shown(path)));
  return join_words(quoted, kPathsNamed);
}

}  // namespace

bool Engine::has_picture(TaskId id) const {
  const plan::Isolation isolation = task(id).isolation;
  return isolation == plan::Isolation::view || isolation == plan::Isolation::worktree;
}

void Engine::note_denied(Live& live, const Observed& observed) const {
  for (const Denied& one : observed.denied) {
    if (one.is_act) {
      live.remarks.push_back("kept from " + printable(one.path));
      continue;
    }
    live.remarks.push_back(
        fmt::format("kept from {} `{}`", one.writing ? "writing" : "reading", printable(one.path)));
    if (!lies_below(one.path, plan_.workspace)) continue;
    const std::string path = printable(one.path.substr(plan_.workspace.size() + 1));
    (one.writing ? live.denied_writes : live.denied_reads).push_back(path);
  }
}

/// What it was kept from. In the workspace that breaks its word; elsewhere it is a remark, as many
/// programs try to write where they need not.
Judgement Engine::judge_denied(const Live& live) const {
  const std::vector<std::string>& read = live.denied_reads;
  const std::vector<std::string>& written = live.denied_writes;
  const plan::Task& it = task(task_of(live));
  if (it.isolation != plan::Isolation::guard || (read.empty() && written.empty())) return {};
  const bool writing = !written.empty();
  const auto& paths = writing ? written : read;
  const std::string_view key = writing ? "writes" : "reads";
  return {
      Outcome::outside_footprint,
      fmt::format("it was kept from {} {}, which its `{}` do not name; add {} to task `{}`",
                  writing ? "writing" : "reading", named(paths), key, lines_for(paths, key), it.id),
      fmt::format("You may not {} {}.", writing ? "write" : "read", named(paths))};
}

/// Takes the changes of an attempt that has ended well so far; of another they are thrown away.
Judgement Engine::take_changes(Live& live, Judgement judgement) {
  const TaskId id = task_of(live);
  const plan::Task& it = task(id);
  if (it.isolation == plan::Isolation::direct) return judgement;
  Observed observed = ports_.processes.observed(live.name);
  if (it.observe == plan::Observe::declared) {
    observed.complete = false;
    observed.gap = "as the plan declares them";
  }
  note_denied(live, observed);
  if (judgement.outcome == Outcome::succeeded) judgement = judge_denied(live);
  if (!has_picture(id)) return judgement;
  if (judgement.outcome != Outcome::succeeded) {
    close_picture(live.name);
    return judgement;
  }
  auto harvest = ports_.views.harvest(live.name, observed, it.footprint);
  pictures_.erase(live.name);
  if (!harvest) {
    close_picture(live.name);
    return {Outcome::changes_lost, harvest.error().message, {}};
  }
  for (std::string& remark : harvest->remarks) live.remarks.push_back(std::move(remark));
  if (!harvest->gap.empty()) live.remarks.push_back("its reads: " + harvest->gap);
  live.harvest = std::move(*harvest);
  const std::vector<std::string> outside = changes::outside(live.harvest->changes, it.footprint);
  if (outside.empty()) return judgement;
  return {Outcome::outside_footprint,
          fmt::format("it changed {}, which its `writes` do not name; add {} to task `{}`",
                      named(outside), lines_for(outside, "writes"), it.id),
          fmt::format("You changed {}, which you may not.", named(outside))};
}

/// The file that holds its output, as it left it.
Result<std::string> Engine::output_file_of(const Live& live) {
  constexpr std::size_t kBytesMax = 16u << 20;
  const std::string& file = task(task_of(live)).output.file;
  const bool in_picture = live.harvest.has_value();
  if (has_picture(task_of(live)) && !in_picture)
    return fail(Error::Kind::missing, fmt::format("nothing is kept of `{}`", file));
  return in_picture ? ports_.views.content(live.name, file, Views::Side::behind, kBytesMax)
                    : ports_.workspace.read(file, kBytesMax);
}

void Engine::note_changes(Live& live, AttemptEnded& fact) {
  fact.remarks = std::move(live.remarks);
  fact.denied_reads = std::move(live.denied_reads);
  fact.denied_writes = std::move(live.denied_writes);
  if (!live.harvest) return;
  std::string changed = changes::to_text(live.harvest->changes);
  std::string read = changes::to_text(live.harvest->reads);
  fact.changes = digest_of(changed);
  fact.reads = digest_of(read);
  std::string written = changes::to_text(live.harvest->writes);
  fact.writes = digest_of(written);
  fact.reads_from = changes::name_of(live.harvest->reads.from);
  ledger_.keep(Blob{*fact.changes, std::move(changed)});
  ledger_.keep(Blob{*fact.reads, std::move(read)});
  ledger_.keep(Blob{*fact.writes, std::move(written)});
  if (fact.outcome != Outcome::succeeded) return close_picture({fact.task, fact.attempt, 0});
  WaitingChanges& waiting = waiting_[fact.task];
  waiting = {};
  waiting.name = {fact.task, fact.attempt, 0};
  waiting.own = std::move(live.harvest->changes);
  waiting.reads = std::move(live.harvest->reads);
  waiting.seen = waiting.rests_on = record(fact.task).attempts.back().seen;
}

void Engine::close_picture(AttemptName name) {
  ports_.views.discard(name);
  pictures_.erase(name);
}

}  // namespace interlock::engine
