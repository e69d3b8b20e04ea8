#include "engine/result_reuse.h"

#include <fmt/format.h>

#include "changes/stale.h"
#include "engine/shortage.h"
#include "footprint/interlocking.h"

namespace interlock::engine {

Result<bool> ResultReuse::take(TaskId id, const std::vector<CacheKeyPart>& cache_key_parts,
                               const Digest& key, std::string& difference) {
  // What counts of a try is its task's result; a judge has other tries to compare each time.
  if (turn_.task(id).try_of || turn_.task(id).judge_of) return false;
  auto found = find(id, cache_key_parts, key, difference);
  if (!found) return std::unexpected(found.error());
  if (turn_.signal_waits) return true;
  if (!*found) return false;
  auto taken = tasks_.set_reused(id, std::move(**found));
  if (!taken) return std::unexpected(taken.error());
  return true;
}

Result<std::optional<StoredResult>> ResultReuse::find(
    TaskId id, const std::vector<CacheKeyPart>& cache_key_parts, const Digest& key,
    std::string& difference) {
  constexpr std::nullopt_t kNone = std::nullopt;
  const plan::Task& one = turn_.task(id);
  if (const std::string why = why_done_anew(id); !why.empty()) {
    difference = why;
    return kNone;
  }
  // What an unknown footprint reads can be compared only where it was seen; and a person who asked
  // again wants it done again.
  const bool is_unknown = one.footprint.unknown;
  const bool is_first = turn_.record_of(id).attempts.empty();
  if (!turn_.setup.reuse || (is_unknown && !turn_.has_snapshot(id)) || !is_first) return kNone;
  // A store that cannot say what is there costs an attempt, and no more.
  const auto found = turn_.ports.journal.find_result(one.id, key);
  if (!found || !*found || (is_unknown && !(*found)->trace)) return kNone;
  if ((*found)->trace) {
    const auto text = turn_.ports.journal.blob(*(*found)->trace);
    const auto trace = text ? trace_from_text(*text) : std::unexpected(text.error());
    const auto differs = trace ? difference_from(*trace) : std::unexpected(trace.error());
    if (!differs && is_interruption(differs.error())) return turn_.await_signal(), kNone;
    // What cannot be looked at proves nothing.
    if (!differs) return kNone;
    difference = *differs;
    if (!difference.empty() || may_be_changed_before(id, *trace)) return kNone;
  }
  // Where it does not wait for those it may meet, what they are going to change is not there yet.
  if (is_speculative(id) && may_be_changed_before(id)) return kNone;
  if (!is_unknown) {
    const auto wrote = files_.fingerprint(one.footprint.writes);
    if (!wrote && is_interruption(wrote.error())) return turn_.await_signal(), kNone;
    // Somebody may have changed what it wrote; done again it is as it should be.
    if (!wrote || *wrote != (*found)->wrote) return kNone;
  }
  // Its run is the one that did the work, however often it has been taken since.
  const StoredResult& before = **found;
  return StoredResult{before.run, key, cache_key_parts, before.output, before.wrote, before.trace};
}

/// A result is what was given back and what was written: posts are neither, and what is read of a
/// live topic is chance.
std::string ResultReuse::why_done_anew(TaskId id) const {
  for (const plan::TopicUse& use : turn_.task(id).board.topics) {
    const plan::Topic& topic = turn_.plan.topics[use.topic];
    if (use.posts) return fmt::format("it posts to `{}` in each run, last done", topic.name);
    if (topic.kind == plan::TopicKind::live)
      return fmt::format("it reads the live topic `{}`, last done", topic.name);
  }
  return {};
}

bool ResultReuse::is_speculative(TaskId id) const {
  return !turn_.setup.speculative.empty() && turn_.setup.speculative[id.index()];
}

Result<std::string> ResultReuse::difference_from(const Trace& trace) {
  const auto found = files_.states(trace.reads);
  if (!found) return std::unexpected(found.error());
  if (const std::string first = first_difference(*found, trace.found); !first.empty())
    return first + ", which it had read, changed";
  const auto left = files_.states(states_of(trace.left));
  if (!left) return std::unexpected(left.error());
  if (const std::string first = first_difference(*left, trace.left_states); !first.empty())
    return first + ", which it had made, changed";
  return std::string();
}

/// Whether an earlier task that is not over may still change what the result rests on.
bool ResultReuse::may_be_changed_before(TaskId id, const Trace& trace) const {
  changes::Changeset own;
  for (const std::string& path : trace.left)
    own.changes.push_back({path, {}, {changes::Kind::file, 0, 0, {}}});
  for (std::uint32_t i = 0; i < id.index(); ++i) {
    if (turn_.task(TaskId(i)).try_of == id) continue;  // They begin only where it is not reused.
    const bool is_over = turn_.record_of(TaskId(i)).state >= TaskState::done;
    if (!is_over && !changes::commutes(trace.reads, own, turn_.task(TaskId(i)).footprint))
      return true;
  }
  return false;
}

/// Likewise, by what is declared.
bool ResultReuse::may_be_changed_before(TaskId id) const {
  const footprint::Claim own{.footprint = &turn_.task(id).footprint};
  for (std::uint32_t i = 0; i < id.index(); ++i) {
    if (turn_.task(TaskId(i)).try_of == id) continue;
    const footprint::Claim other{.footprint = &turn_.task(TaskId(i)).footprint};
    if (turn_.record_of(TaskId(i)).state < TaskState::done && footprint::conflicts(other, own))
      return true;
  }
  return false;
}

}  // namespace interlock::engine
