#include "engine/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace interlock::engine {

namespace {

/// Its last sign, or the end of the time in which its call was held and it could give none.
Time silent_since(const Attempt& attempt, const Attempt::Clocks& clocks) {
  return std::max(clocks.last_output, attempt.agent.waited_at_limit_until);
}

}  // namespace

const Attempt::Merging::File* Attempt::Merging::next() const {
  const auto found = std::ranges::find_if(files, [](const File& one) { return !one.merged; });
  return found == files.end() ? nullptr : &*found;
}

void Attempt::check_work() {
  // Of a batch each part has its own check, and comes here through `queue_check`.
  check(state_ == State::running && name_.phase == 0, "work is checked once, when it is over");
  name_.phase = 1;
}

void Attempt::collect(Judgement judgement) {
  check(state_ == State::running && name_.phase != 2, "changes are taken of work that is over");
  state_ = State::collecting;
  judged_ = std::move(judgement);
}

/// Running for a moment only: in the same turn it is judged, checked or over.
Judgement Attempt::take_collected() {
  check(state_ == State::collecting, "what was taken was asked for");
  state_ = State::running;
  return std::exchange(judged_, {});
}

void Attempt::defer(Time again, std::string why) {
  check(state_ == State::running, "only what was to be spawned is put off");
  state_ = State::deferred;
  again_at_ = again;
  short_of_ = std::move(why);
  // Where nothing else runs this is what ends the trying.
  ++starts_tried_;
}

void Attempt::start_again(Time now) {
  check(state_ == State::deferred, "only what was put off is started again");
  state_ = State::running;
  // A check that could not start keeps the time of the work it checks.
  if (name_.phase == 0 || name_.phase == kDriverPhase) started_ = now;
}

/// Parts of a batch have one slot, so their checks go one after the other.
void Attempt::queue_check() {
  check(state_ == State::running, "a check waits before it has begun");
  state_ = State::queued;
  name_.phase = 1;
}

void Attempt::begin_check(Time now) {
  check(state_ == State::queued, "a check that waits begins");
  state_ = State::running;
  started_ = now;
}

void Attempt::judge(Judgement judgement) {
  // The slot is the first task's own: it may not end before the checks of the others.
  check(state_ == State::running, "an attempt is judged once");
  state_ = State::judged;
  name_.phase = 1;
  judged_ = std::move(judgement);
}

void Attempt::stop(Outcome why, std::string detail) {
  // A timeout that comes while it is being cancelled changes nothing of why it ends.
  if (stopped_for_) return;
  stopped_for_ = why;
  stop_detail_ = std::move(detail);
}

std::optional<Time> Attempt::again_at() const {
  return state_ == State::deferred ? std::optional(again_at_) : std::nullopt;
}

const Judgement& Attempt::judgement() const {
  check(state_ == State::judged, "only what is over is judged");
  return judged_;
}

/// Not while the gateway holds it at the run's limit: it keeps its time, and parks it then.
bool Attempt::is_timed() const {
  return state_ == State::running && !stopped_for_ && !agent.waits_at_limit;
}

std::optional<Outcome> Attempt::overdue(const Clocks& clocks, Time now) const {
  if (!is_timed()) return {};
  // Before its silence: one that was silent to its very end has timed out.
  if (now >= started_ + clocks.timeout) return Outcome::timed_out;
  // Zero means that it may be silent for as long as it likes.
  if (clocks.idle > Duration{} && now >= silent_since(*this, clocks) + clocks.idle)
    return Outcome::went_silent;
  return {};
}

std::optional<Time> Attempt::lingers_until(const Clocks& clocks) const {
  const bool stays = name_.phase == 0 && agent.reader && agent.transcript.final && !agent.released;
  if (!stays || !is_timed()) return {};
  // Where more may follow a final answer, only its silence tells.
  const bool is_last = agent.adapter->final_is_last() || clocks.idle <= Duration{};
  return clocks.last_output + (is_last ? clocks.grace : std::max(clocks.grace, clocks.idle));
}

std::optional<Time> Attempt::next_moment(const Clocks& clocks) const {
  // Nothing of it runs, so no other clock does.
  if (state_ == State::deferred) return again_at_;
  if (!is_timed()) return {};
  Time next = started_ + clocks.timeout;
  if (clocks.idle > Duration{}) next = std::min(next, silent_since(*this, clocks) + clocks.idle);
  if (const auto lingers = lingers_until(clocks)) next = std::min(next, *lingers);
  return next;
}

/// For tests and for people: where it stands, and why it is there.
std::string Attempt::text() const {
  // Since the epoch, as a test's clock begins there.
  const auto shown = [](Time time) {
    return fmt::format("{} s", to_seconds(time.time_since_epoch()));
  };
  std::string text = fmt::format("{}#{} ", name_.task.index(), name_.attempt);
  switch (state_) {
    case State::running: {
      static constexpr const char* kPhases[] = {"works", "is checked", "is checked as merged",
                                                "has a file merged"};
      text += fmt::format("{} since {}", kPhases[name_.phase], shown(started_));
      break;
    }
    case State::collecting: text += "is over, and its changes are taken"; break;
    case State::deferred:
      text += fmt::format("is tried again at {}, {} so far: {}", shown(again_at_), starts_tried_,
                          short_of_);
      break;
    case State::queued: text += "waits for its check"; break;
    case State::judged: text += fmt::format("is over: {}", name_of(judged_.outcome)); break;
  }
  if (stopped_for_) text += fmt::format(", stopped: {}", name_of(*stopped_for_));
  if (!stop_detail_.empty()) text += fmt::format(" ({})", stop_detail_);
  for (const TaskId other : share.others) text += fmt::format(", with {}", other.index());
  if (share.batch) text += fmt::format(", of {}", share.batch->index());
  return text;
}

}  // namespace interlock::engine
