#include "web/watched_run.h"

#include <boost/json/serialize.hpp>
#include <variant>

#include "engine/run_state.h"
#include "engine/scheduler_changes.h"

namespace interlock::web {
namespace {

constexpr std::size_t kBytesKept = std::size_t{4} << 20U;
constexpr std::size_t kDifferencesKept = 10'000;

}  // namespace

Result<std::unique_ptr<WatchedRun>> WatchedRun::open(journal::Store& store, const std::string& id) {
  auto made = std::unique_ptr<WatchedRun>(new WatchedRun);
  if (auto chosen = made->choose(store, id, {}); !chosen) return std::unexpected(chosen.error());
  return made;
}

Result<void> WatchedRun::choose(journal::Store& store, const std::string& id, Time now) {
  auto run = runs::choose_run(store, id);
  if (!run) return std::unexpected(run.error());
  run_ = std::move(*run);
  outside_.emplace(*run_, now);
  events_ = run_->state.seq;
  lived_ = run_->dispatched();
  take(view_of(*run_, status(now), store, now));
  return {};
}

Result<void> WatchedRun::refresh(journal::Store& store, Time now) {
  const auto summary = store.summary(run_->id());
  if (!summary) return std::unexpected(summary.error());
  const bool lives = run_->dispatched();
  if (summary->events == events_ && lives == lived_) return {};
  // What a dead dispatcher left is shown otherwise than it stands in the journal, and a plan that
  // was edited is another plan: then it is read anew. Else only what came is added.
  const bool is_simple = lives && lived_ && summary->events > events_;
  const auto head = is_simple ? store.head(run_->id()) : Result<journal::RunHead>();
  if (!is_simple || !head || head->plan_text != run_->head.plan_text)
    return choose(store, run_->id(), now);
  bool has_grown = false, is_retuned = false;
  auto read = store.replay(run_->id(), events_, [&](engine::RecordedEvent&& recorded) {
    has_grown |= std::holds_alternative<engine::TasksAdded>(recorded.event) ||
                 std::holds_alternative<engine::FamilyExpanded>(recorded.event);
    if (has_grown) return;
    is_retuned |= std::holds_alternative<engine::RunRetuned>(recorded.event);
    engine::apply(run_->state, recorded);
    // Its scheduler says why tasks wait.
    for (const auto& change : engine::changes_of(run_->state, recorded)) {
      run_->changes.push_back(change);
      outside_->take(change);
    }
    events_ = recorded.seq;
  });
  if (!read) return read;
  // Tasks that were added are in the plan only when it is read again.
  if (has_grown) return choose(store, run_->id(), now);
  if (is_retuned) {
    runs::take_retuned(run_->planned, run_->state.retuned);
    outside_.emplace(*run_, now);
  }
  lived_ = run_->dispatched();
  take(view_of(*run_, status(now), store, now));
  return {};
}

Result<json::object> WatchedRun::usage(journal::Store& store, const std::string& state_folder,
                                       Time now) {
  auto read = store.replay(run_->id(), usage_.last(),
                           [&](engine::RecordedEvent&& recorded) { usage_.take(recorded); });
  if (!read) return std::unexpected(read.error());
  return usage_.curves(*run_, state_folder, now);
}

void WatchedRun::take(RunView view) {
  const bool is_first = view_.head.empty();
  const bool is_other =
      !is_first && (view.tasks.size() != view_.tasks.size() || view.fixed != view_.fixed);
  json::object made = is_first || is_other ? json::object{} : difference(view_, view);
  view_ = std::move(view);
  if (is_other) {
    // No difference leads there: whoever asks is given the whole.
    differences_.clear();
    bytes_ = 0;
    ++version_;
    return;
  }
  if (made.empty()) return;
  ++version_;
  differences_.push_back(json::serialize(made));
  bytes_ += differences_.back().size();
  while (bytes_ > kBytesKept || differences_.size() > kDifferencesKept) {
    bytes_ -= differences_.front().size();
    differences_.pop_front();
  }
}

std::string WatchedRun::whole(Time now) const {
  json::object usual = usual_of(view_.tasks);
  json::array tasks = without_usual(view_.tasks, usual);
  return json::serialize(json::object{{"version", 1},
                                      {"now", now.time_since_epoch().count() / 1000},
                                      {"head", view_.head},
                                      {"fixed", view_.fixed},
                                      {"usual", std::move(usual)},
                                      {"tasks", std::move(tasks)}});
}

std::optional<std::vector<std::string>> WatchedRun::since(std::uint64_t version) const {
  if (version > version_ || version_ - version > differences_.size()) return std::nullopt;
  return std::vector<std::string>(
      differences_.end() - static_cast<std::ptrdiff_t>(version_ - version), differences_.end());
}

}  // namespace interlock::web
