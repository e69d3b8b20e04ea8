#include "engine/try_events.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "changes/text_merge.h"
#include "engine/waiting_changes.h"

namespace interlock::engine {

namespace {

/// What a judge is shown of one try's changes at most: a prompt has to hold those of all.
constexpr std::size_t kDiffBytesMax = 200'000;

/// Nothing where there is no file at that side: the diff shows it as made or removed.
std::optional<std::string> side_of(Turn& turn, AttemptName name, const changes::Change& change,
                                   Tree::Side side) {
  const changes::State& state = side == Tree::Side::before ? change.before : change.after;
  if (state.kind != changes::Kind::file && state.kind != changes::Kind::link) return std::nullopt;
  auto bytes = turn.ports.tree.content(name, change.path, side, kMergedBytesMax);
  // A judge reads text; of the rest it is told how much there is.
  if (bytes && first_bad_utf8(*bytes)) return fmt::format("({} bytes, no text)\n", bytes->size());
  if (bytes) return std::move(*bytes);
  // That one file cannot be read does not keep the others from being judged.
  return fmt::format("(cannot be shown: {})\n", bytes.error().message);
}

std::string diff_of(Turn& turn, const WaitingChanges& waiting) {
  std::string text;
  for (const changes::Change& change : waiting.own.changes) {
    const auto before = side_of(turn, waiting.name, change, Tree::Side::before);
    const auto after = side_of(turn, waiting.name, change, Tree::Side::after);
    // A folder, or a change of mode alone.
    if (!before && !after) continue;
    text += changes::unified_diff(change.path, before, after);
    if (text.size() <= kDiffBytesMax) continue;
    text.resize(kDiffBytesMax);
    if (const auto bad = first_bad_utf8(text)) text.resize(*bad);  // A character was cut.
    return text + "\n(the rest is left out: it is too long)\n";
  }
  return text;
}

}  // namespace

TryEnded good_try(Turn& turn, TaskId id) {
  TryEnded event{id, turn.record_of(id).attempts.back().number, true, {}, {}};
  // Without a judge nobody looks at it, and diffs cost.
  if (!turn.task(*turn.task(id).try_of).judge) return event;
  const auto waiting = turn.commits().waiting().find(id);
  // It changed nothing: its output is all there is to judge.
  if (waiting == turn.commits().waiting().end()) return event;
  Blob diff{{}, diff_of(turn, waiting->second)};
  diff.digest = digest_of(diff.bytes);
  event.diff = diff.digest;
  turn.batch.keep(std::move(diff));
  return event;
}

TryEnded bad_try(const RunState& run, TaskId id, std::string why) {
  // A person may reject it without a word.
  if (why.empty()) why = "it was not good";
  return {id, static_cast<std::uint32_t>(run[id].attempts.size()), false, std::move(why), {}};
}

bool is_picked(const RunState& run, TaskId of) {
  return run[of].picked || run[of].state >= TaskState::done;
}

std::string why_not_wanted(const plan::Plan& plan, const RunState& run, TaskId of) {
  const auto& picked = run[of].picked;
  if (!picked) return fmt::format("`{}` is over", plan[of].id);
  return fmt::format("`{}` {}", plan[*picked].id, plan[of].judge ? "was picked" : "was good first");
}

/// The judge's schema asks for this; it is held against what was shown by `judge_pick`.
Result<Picked> picked_in(std::string_view answer) {
  const auto parsed = parse_json(answer);
  const json::object* const object = parsed ? parsed->if_object() : nullptr;
  const json::value* const pick = object == nullptr ? nullptr : object->if_contains("pick");
  if (pick == nullptr || !pick->is_int64() || pick->get_int64() < 1)
    return fail(Error::Kind::invalid, "the judge's answer picks nothing");
  Picked picked{static_cast<std::size_t>(pick->get_int64()), {}};
  const json::value* const why = object->if_contains("why");
  if (why != nullptr && why->is_string()) picked.why = std::string(why->get_string());
  return picked;
}

Judgement judge_pick(const plan::Plan& plan, const RunState& run, TaskId judge,
                     std::string_view answer) {
  const auto picked = picked_in(answer);
  if (!picked) return {Outcome::output_invalid, picked.error().message, picked.error().message};
  const std::vector<TaskId>& tries = plan[*plan[judge].judge_of].tries;
  std::vector<std::string> good;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    // One that was lost since is as if it had not been good.
    if (run[tries[i]].state != TaskState::done) continue;
    if (i + 1 == picked->number) return {};
    good.push_back(fmt::format("{}", i + 1));
  }
  const std::string why = fmt::format("it picked try {}, which was not shown to it: pick one of {}",
                                      picked->number, join_words(good, good.size()));
  return {Outcome::output_invalid, why, why};
}

}  // namespace interlock::engine
