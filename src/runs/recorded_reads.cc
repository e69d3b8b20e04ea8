#include "runs/recorded_reads.h"

#include <algorithm>
#include <map>

#include "engine/run_state.h"
#include "runs/asking.h"

namespace interlock::runs {

namespace {

bool is_live(const plan::Plan& plan, const std::string& name) {
  const auto found = std::ranges::find(plan.topics, name, &plan::Topic::name);
  return found != plan.topics.end() && found->kind == plan::TopicKind::live;
}

/// What was there at that moment, of what `event` says was shown.
std::vector<engine::RecordedReads::Note> shown_by(const plan::Plan& plan,
                                                  const engine::RunState& run,
                                                  const engine::BoardRead& event) {
  std::vector<engine::RecordedReads::Note> notes;
  for (const engine::VisiblePost& one : engine::all_posts(run, event.topic)) {
    if (one.number <= event.after || one.number > event.last) continue;
    if (engine::standing_of(run, *one.post) == engine::PostStanding::dropped) continue;
    const auto& author = one.post->task;
    notes.push_back(
        {one.number, author ? plan[*author].id : one.post->by, !author, one.post->text});
  }
  return notes;
}

}  // namespace

Result<std::vector<engine::RecordedReads>> recorded_reads(journal::Store& store,
                                                          const std::string& run) {
  auto before = choose_run_as_kept(store, run);
  if (!before) return std::unexpected(before.error());
  const plan::Plan& plan = (*before)->plan();
  const bool any = std::ranges::any_of(
      plan.topics, [](const plan::Topic& one) { return one.kind == plan::TopicKind::live; });
  if (!any) return std::vector<engine::RecordedReads>();
  // Event by event, as what was dropped later was seen then.
  plan::Plan first;
  first.tasks.resize(plan.tasks.size() - (*before)->planned.added);
  first.merges = plan.merges;
  engine::RunState state(first);
  std::map<std::pair<TaskId, std::string>, engine::RecordedReads> by_task;
  auto replayed = store.replay((*before)->id(), 0, [&](engine::RecordedEvent&& recorded) {
    engine::apply(state, recorded);
    const auto* event = std::get_if<engine::BoardRead>(&recorded.event);
    if (event == nullptr || !is_live(plan, event->topic)) return;
    const auto& attempts = (*before)->state[event->task].attempts;
    if (attempts.empty() || attempts.back().number != event->attempt) return;
    engine::RecordedReads& its = by_task[{event->task, event->topic}];
    its.task = plan[event->task].id;
    its.topic = event->topic;
    for (engine::RecordedReads::Note& note : shown_by(plan, state, *event))
      its.notes.push_back(std::move(note));
    its.so_far.push_back(event->last);
  });
  if (!replayed) return std::unexpected(replayed.error());
  std::vector<engine::RecordedReads> all;
  for (auto& [key, one] : by_task) all.push_back(std::move(one));
  return all;
}

}  // namespace interlock::runs
