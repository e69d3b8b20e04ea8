#include "cli/observed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "base/text.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/suggest.h"
#include "plan/amend.h"

namespace interlock::cli {

namespace {

/// So many of a plan's latest runs are looked at.
constexpr std::size_t kRunsJoined = 10;

template <typename T>
Result<std::optional<T>> kept(journal::Store& store, const std::optional<Digest>& digest,
                              Result<T> (*read)(std::string_view)) {
  if (!digest) return std::nullopt;
  const auto text = store.blob(*digest);
  if (!text) return std::nullopt;  // Pruned: there are other attempts.
  auto value = read(*text);
  if (!value) return std::unexpected(value.error());
  return std::optional(std::move(*value));
}

/// Nothing when nobody watched the attempt.
Result<std::optional<changes::Observation>> observation_of(journal::Store& store,
                                                           const std::string& run,
                                                           const engine::AttemptRecord& attempt) {
  changes::Observation seen{run, {}, {}, attempt.denied_reads, attempt.denied_writes};
  const bool was_denied = !attempt.denied_reads.empty() || !attempt.denied_writes.empty();
  auto changed = kept(store, attempt.changes, changes::changeset_from_text);
  if (!changed) return std::unexpected(changed.error());
  auto reads = kept(store, attempt.reads, changes::read_set_from_text);
  if (!reads) return std::unexpected(reads.error());
  auto writes = kept(store, attempt.writes, changes::write_set_from_text);
  if (!writes) return std::unexpected(writes.error());
  if (!*changed || !*reads) return was_denied ? std::optional(std::move(seen)) : std::nullopt;
  seen.reads = std::move(**reads);
  if (*writes) {
    seen.writes = std::move(**writes);
  } else {
    // An older journal has what is different afterwards, which need not be all that was written.
    for (const changes::Change& one : (*changed)->changes) seen.writes.paths.push_back(one.path);
  }
  return seen;
}

/// Runs of one plan, to be asked about its tasks.
class Watched {
 public:
  explicit Watched(journal::Store& store) : store_(store) {}

  void add(const ChosenRun& run) { runs_.push_back(&run); }
  /// Also the plan's other latest runs; those whose plan cannot be read any more are passed over.
  Result<void> add_others(const ChosenRun& run) {
    journal::RunFilter here;
    here.workspace = run.head.workspace;
    const auto all = store_.runs(here);
    if (!all) return std::unexpected(all.error());
    for (const journal::RunSummary& one : *all) {
      if (runs_.size() >= kRunsJoined) break;
      const bool same = one.plan_file == run.head.plan_file || one.plan_name == run.head.plan_name;
      if (!same || one.id == run.id()) continue;
      auto other = choose_run(store_, one.id);
      if (!other) continue;
      runs_.push_back(other->get());
      owned_.push_back(std::move(*other));
    }
    return {};
  }

  Result<changes::Touched> touched(const plan::Task& task) const {
    std::vector<changes::Observation> all;
    for (const ChosenRun* run : runs_) {
      const auto id = run->plan().find(task.id);
      if (!id || run->plan()[*id].run != task.run) continue;
      for (const engine::AttemptRecord& attempt : run->state[*id].attempts) {
        auto seen = observation_of(store_, run->id(), attempt);
        if (!seen) return std::unexpected(seen.error());
        if (*seen) all.push_back(std::move(**seen));
      }
    }
    return changes::touched_in(all);
  }

  std::uint32_t count() const { return static_cast<std::uint32_t>(runs_.size()); }

 private:
  journal::Store& store_;
  std::vector<const ChosenRun*> runs_;
  std::vector<std::unique_ptr<ChosenRun>> owned_;
};

std::vector<std::string> texts_of(const footprint::PatternSet& set) {
  std::vector<std::string> texts;
  for (const footprint::Glob& glob : set.include) texts.push_back(glob.text());
  for (const footprint::Glob& glob : set.exclude) texts.push_back("!" + glob.text());
  return texts;
}

/// What the patterns do not match of what was seen, added to them.
std::vector<std::string> complete(const footprint::PatternSet& declared,
                                  const footprint::PatternSet* too,
                                  const std::set<std::string>& seen, bool& differs) {
  std::vector<std::string> missing;
  std::set<std::string> listed;
  for (const std::string& path : seen) {
    const bool listing = path == "*" || path.ends_with("/*");
    const std::string probe = listing ? path.substr(0, path.size() - 1) + "x" : path;
    if (declared.matches(probe) || (too != nullptr && too->matches(probe))) continue;
    if (listing) {
      listed.insert(path == "*" ? path : footprint::escape(path.substr(0, path.size() - 2)) + "/*");
    } else {
      missing.push_back(path);
    }
  }
  std::vector<std::string> patterns = texts_of(declared);
  for (std::string& pattern : changes::patterns_for(missing)) listed.insert(std::move(pattern));
  differs |= !listed.empty();
  patterns.insert(patterns.end(), listed.begin(), listed.end());
  return patterns;
}

/// The whole text or none of it; a link stays one, and mode and owner stay.
Result<void> replace_file(const std::string& named, const std::string& text) {
  std::error_code trouble;
  const std::filesystem::path real = std::filesystem::canonical(named, trouble);
  const std::string path = trouble ? named : real.string();
  const std::string temporary = path + ".interlock-new";
  struct stat status{};
  const bool existed = ::stat(path.c_str(), &status) == 0;
  const mode_t mode = existed ? status.st_mode & 07777 : 0644;
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  bool good = file >= 0;
  for (std::size_t done = 0; good && done < text.size();) {
    const ssize_t count = ::write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    good = count > 0;
    if (good) done += static_cast<std::size_t>(count);
  }
  // Another's file that we may replace stays his; where that is not ours to say, it is ours from
  // now on.
  if (good && existed && ::fchown(file, status.st_uid, status.st_gid) != 0) errno = 0;
  good = good && ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (good && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  ::unlink(temporary.c_str());
  return fail(Error::Kind::io,
              fmt::format("cannot write `{}`: {}", printable(path), std::strerror(error)));
}

/// The run that is named, or the latest of this plan in this workspace.
Result<std::string> run_of_plan(journal::Store& store, const Where& where, const Document& document,
                                const plan::Plan& plan, const std::string& name) {
  if (!name.empty()) return run_named(store, where, name);
  journal::RunFilter here;
  here.workspace = plan.workspace;
  here.most = 0;
  const auto runs = store.runs(here);
  if (!runs) return std::unexpected(runs.error());
  for (const journal::RunSummary& run : *runs) {
    if (run.plan_file == document.file || run.plan_name == plan.name) return run.id;
  }
  return fail(Error::Kind::missing,
              fmt::format("`{}` was not run yet, so nothing was seen", printable(document.file)),
              "run it with `--isolation view`, or name a run with `--of`");
}

}  // namespace

namespace {

Result<Suggestions> suggest(const Watched& watched, const plan::Plan& plan) {
  Suggestions all;
  all.runs = watched.count();
  for (std::uint32_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    const auto touched = watched.touched(task);
    if (!touched) return std::unexpected(touched.error());
    const footprint::Footprint& declared = task.footprint;
    if (declared.unknown && touched->runs == 0) {
      all.unknown.push_back(
          touched->is_any
              ? fmt::format("`{}` is left as it is: not all that it read and wrote was seen",
                            task.id)
              : fmt::format("`{}` is left as it is: nobody observed it", task.id));
      continue;
    }
    if (!touched->is_any) continue;
    Suggestion one;
    one.task = TaskId(i);
    one.runs = touched->runs;
    one.differs = declared.unknown;
    one.writes = complete(declared.writes, nullptr, touched->writes, one.differs);
    // What it writes it may read.
    const auto writes = footprint::PatternSet::parse(one.writes);
    if (!writes) return std::unexpected(writes.error());
    one.reads = complete(declared.reads, &*writes, touched->reads, one.differs);
    all.known.push_back(std::move(one));
  }
  return all;
}

std::string quoted_list(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) {
    text += text.empty() ? "\"" : ", \"";
    for (const char c : pattern) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return "[" + text + "]";
}

}  // namespace

Result<Suggestions> suggestions_of(journal::Store& store, const ChosenRun& run) {
  Watched watched(store);
  watched.add(run);
  if (auto added = watched.add_others(run); !added) return std::unexpected(added.error());
  return suggest(watched, run.plan());
}

std::string suggestions_text(const plan::Plan& plan, const Suggestions& all) {
  std::string text;
  for (const Suggestion& one : all.known) {
    const std::string seen =
        one.runs == 0 ? std::string("what is known; not all was seen")
                      : fmt::format("seen in {} run{}", one.runs, one.runs == 1 ? "" : "s");
    text += fmt::format("  - id: {}   # {}{}\n    reads: {}\n    writes: {}\n", plan[one.task].id,
                        one.differs ? "" : "as the plan says; ", seen, quoted_list(one.reads),
                        quoted_list(one.writes));
  }
  return text;
}

json::object suggestions_json(const ChosenRun& run, const Suggestions& all) {
  const auto list = [](const std::vector<std::string>& texts) {
    return json::array(texts.begin(), texts.end());
  };
  json::array tasks;
  for (const Suggestion& one : all.known) {
    tasks.push_back(json::object{{"id", run.plan()[one.task].id},
                                 {"reads", list(one.reads)},
                                 {"writes", list(one.writes)},
                                 {"runs", one.runs},
                                 {"differs", one.differs}});
  }
  return {{"version", 1},
          {"run", run.id()},
          {"runs", all.runs},
          {"tasks", std::move(tasks)},
          {"left_unknown", list(all.unknown)}};
}

Result<Fixed> fix_plan(journal::Store& store, const Where& where, const Document& document,
                       const plan::Plan& plan, const std::string& name) {
  const auto which = run_of_plan(store, where, document, plan, name);
  if (!which) return std::unexpected(which.error());
  auto run = choose_run(store, *which);
  if (!run) return std::unexpected(run.error());
  Watched watched(store);
  watched.add(**run);
  if (name.empty()) {
    if (auto added = watched.add_others(**run); !added) return std::unexpected(added.error());
  }
  auto all = suggest(watched, plan);
  if (!all) return std::unexpected(all.error());
  std::vector<plan::FootprintEdit> edits;
  for (const Suggestion& one : all->known) {
    const plan::Task& task = plan[one.task];
    if (!one.differs) continue;
    if (!task.item.empty()) {
      return fail(Error::Kind::refused,
                  fmt::format("`{}` comes from a `foreach`: its patterns hold `{{item}}`", task.id),
                  fmt::format("`interlock show {} --suggest` tells what was seen", (*run)->id()));
    }
    edits.push_back({task.place, one.reads, one.writes});
  }
  Fixed fixed{edits.size(), std::move(*all)};
  if (edits.empty()) return fixed;
  auto text = plan::with_footprints(document.text, std::move(edits));
  if (!text) return std::unexpected(text.error());
  if (auto written = replace_file(document.file, *text); !written)
    return std::unexpected(written.error());
  return fixed;
}

}  // namespace interlock::cli
