#include "cli/observed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/suggest.h"
#include "plan/amend.h"

namespace interlock::cli {

namespace {

struct Seen {
  std::set<std::string> reads, writes;
  bool any = false;
};

Result<Seen> seen_of(journal::Store& store, const engine::TaskRecord& record) {
  Seen seen;
  for (const engine::AttemptRecord& attempt : record.attempts) {
    seen.reads.insert(attempt.denied_reads.begin(), attempt.denied_reads.end());
    seen.writes.insert(attempt.denied_writes.begin(), attempt.denied_writes.end());
    seen.any |= !attempt.denied_reads.empty() || !attempt.denied_writes.empty();
    if (!attempt.changes || !attempt.reads) continue;
    auto changed = store.blob(*attempt.changes);
    auto read = store.blob(*attempt.reads);
    if (!changed || !read) continue;  // Pruned, or of another version: there are other attempts.
    auto changeset = changes::changeset_from_text(*changed);
    auto reads = changes::read_set_from_text(*read);
    if (!changeset) return std::unexpected(changeset.error());
    if (!reads) return std::unexpected(reads.error());
    seen.any = true;
    for (const changes::Change& one : changeset->changes) {
      if (one.before.kind != changes::Kind::folder && one.after.kind != changes::Kind::folder)
        seen.writes.insert(one.path);
    }
    if (reads->from != changes::ReadsFrom::observed) continue;
    seen.reads.insert(reads->content.begin(), reads->content.end());
    for (const std::string& folder : reads->listing)
      seen.reads.insert(folder.empty() ? "*" : folder + "/*");
  }
  return seen;
}

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
  struct stat status {};
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
  // Another's file that we may replace stays his; where that is not ours to say, it is ours from now on.
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
Result<std::string> run_of_plan(journal::Store& store, const Document& document,
                                const plan::Plan& plan, const std::string& name) {
  if (!name.empty()) return store.find_run(name);
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

Result<std::vector<Suggestion>> suggestions_of(journal::Store& store, const ChosenRun& run) {
  std::vector<Suggestion> all;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    auto seen = seen_of(store, run.state.tasks[i]);
    if (!seen) return std::unexpected(seen.error());
    if (!seen->any) continue;
    const footprint::Footprint& declared = run.plan().tasks[i].footprint;
    Suggestion one;
    one.task = TaskId(i);
    one.differs = declared.unknown;
    one.writes = complete(declared.writes, nullptr, seen->writes, one.differs);
    // What it writes it may read.
    const auto writes = footprint::PatternSet::parse(one.writes);
    if (!writes) return std::unexpected(writes.error());
    one.reads = complete(declared.reads, &*writes, seen->reads, one.differs);
    all.push_back(std::move(one));
  }
  return all;
}

std::string suggestions_text(const plan::Plan& plan, const std::vector<Suggestion>& all) {
  std::string text;
  const auto line = [&](std::string_view key, const std::vector<std::string>& patterns) {
    std::vector<std::string> quoted;
    for (const std::string& pattern : patterns) quoted.push_back(fmt::format("\"{}\"", pattern));
    text += fmt::format("    {}: [{}]\n", key, fmt::join(quoted, ", "));
  };
  for (const Suggestion& one : all) {
    text += fmt::format("  - id: {}{}\n", plan[one.task].id,
                        one.differs ? "" : "   # as the plan says");
    line("reads", one.reads);
    line("writes", one.writes);
  }
  return text;
}

Result<std::size_t> fix_plan(journal::Store& store, const Document& document,
                             const plan::Plan& plan, const std::string& name) {
  const auto which = run_of_plan(store, document, plan, name);
  if (!which) return std::unexpected(which.error());
  auto run = choose_run(store, *which);
  if (!run) return std::unexpected(run.error());
  auto all = suggestions_of(store, **run);
  if (!all) return std::unexpected(all.error());
  std::vector<plan::FootprintEdit> edits;
  for (const Suggestion& one : *all) {
    const std::string& id = (*run)->plan()[one.task].id;
    const auto here = plan.find(id);
    if (!one.differs || !here) continue;
    if (!plan[*here].item.empty()) {
      return fail(Error::Kind::refused,
                  fmt::format("`{}` comes from a `foreach`: its patterns hold `{{item}}`", id),
                  fmt::format("`interlock show {} --suggest` tells what was seen", (*run)->id()));
    }
    edits.push_back({plan[*here].place, one.reads, one.writes});
  }
  if (edits.empty()) return 0;
  const std::size_t count = edits.size();
  auto text = plan::with_footprints(document.text, std::move(edits));
  if (!text) return std::unexpected(text.error());
  if (auto written = replace_file(document.file, *text); !written)
    return std::unexpected(written.error());
  return count;
}

}  // namespace interlock::cli
