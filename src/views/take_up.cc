#include <unistd.h>

#include <filesystem>

#include "base/check.h"
#include "views/amend.h"
#include "views/files.h"
#include "views/local_views.h"
#include "workspace/beneath.h"

// Taking a run up after its dispatcher died: what is kept, and what goes.
namespace interlock::views {

namespace fs = std::filesystem;
using engine::AttemptName;
using Stage = Attempt::Stage;

namespace {

/// Parts of an attempt's folder that stay once it is harvested.
bool is_kept_part(const std::string& part) {
  return part == "after" || part == "before" || part.starts_with("mine-") ||
         part == "opened.json" || part == "changes.json" || part == "reads.json" ||
         part == "folded" || part == "theirs" || part == "wanted.refs";
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  return names;
}

bool is_among(const std::vector<engine::Views::Kept>& kept, AttemptName name) {
  for (const engine::Views::Kept& one : kept) {
    if (one.name.task == name.task && one.name.attempt == name.attempt) return true;
  }
  return false;
}

}  // namespace

Result<void> LocalViews::take_up(const std::vector<Kept>& committed,
                                 const std::vector<Kept>& waiting) {
  check(attempts_.empty(), "a run is taken up before its first picture");
  for (const Kept& kept : committed) {
    if (auto loaded = load(kept, Stage::committed); !loaded) return loaded;
  }
  for (const Kept& kept : waiting) {
    if (auto loaded = load(kept, Stage::harvested); !loaded) return loaded;
  }
  if (unfolded_.empty()) ::unlink(layout_.fold_intent().c_str());
  return sweep(committed, waiting);
}

Result<void> LocalViews::load(const Kept& kept, Stage stage) {
  auto read = read_attempt(layout_, kept.name);
  if (!read) return within(read.error(), "cannot take up the run's changes");
  const bool is_folded = read->stage == Stage::folded;
  if (kept.changes != nullptr) {
    if (auto back = take_back(layout_, *read, *kept.changes); !back) return back;
  }
  // Its fold was done, and only the journal does not know.
  read->stage = is_folded && stage == Stage::committed ? Stage::folded : stage;
  Attempt& attempt = attempts_.insert_or_assign(key_of(kept.name), std::move(*read)).first->second;
  if (attempt.stage == Stage::committed && !attempt.changes.empty()) unfolded_.push_back(&attempt);
  return {};
}

Result<void> LocalViews::sweep(const std::vector<Kept>& committed,
                               const std::vector<Kept>& waiting) {
  for (const std::string& entry : names_in(layout_.views())) {
    const std::string place = layout_.views() + "/" + entry;
    const auto name = name_from(entry);
    if (!name) {
      if (place != layout_.fold_intent()) remove_tree(place);
      continue;
    }
    if (!is_among(committed, *name) && !is_among(waiting, *name)) {
      auto left = read_attempt(layout_, *name);
      if (!left || left->stage != Stage::folded) {
        remove_tree(place);
        continue;
      }
      attempts_.insert_or_assign(key_of(*name), std::move(*left));
    }
    for (const std::string& part : names_in(place)) {
      if (!is_kept_part(part)) remove_tree(workspace::join(place, part));
    }
  }
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.stage != Stage::folded) continue;
    for (const changes::Change& change : attempt.changes.changes)
      folded_[change.path] = change.after;
  }
  return {};
}

}  // namespace interlock::views
