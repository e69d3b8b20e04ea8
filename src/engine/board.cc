#include "engine/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/text.h"

namespace interlock::engine {

namespace {

/// By the words of HTTP, as agents ask by it.
BoardAnswer refused(int status, std::string message) {
  return {status,
          json::serialize(json::object{{"error", json::object{{"message", std::move(message)}}}})};
}

json::value of_note(const VisiblePost& one, const plan::Plan& plan, plan::TopicKind kind) {
  json::object shown{{"number", one.number},
                     {"by", one.post->task ? plan[*one.post->task].id : one.post->by},
                     {"is_person", !one.post->task}};
  // Of a person no round is known; what they say counts for all of them.
  if (kind == plan::TopicKind::rounds && one.post->task)
    shown["round"] = plan[*one.post->task].board.round;
  shown["text"] = one.post->text;
  return shown;
}

/// Whether nothing more of the topic comes for a task that reads it now.
bool is_settled(plan::TopicKind kind) { return kind != plan::TopicKind::live; }

BoardAnswer shown(const plan::Topic& topic, json::array posts, std::uint32_t last, bool has_more) {
  json::object answer{{"version", 1}, {"topic", topic.name}, {"kind", plan::name_of(topic.kind)}};
  answer["posts"] = std::move(posts);
  answer["last"] = last;
  answer["more"] = has_more;
  answer["complete"] = !has_more && is_settled(topic.kind);
  return {200, json::serialize(answer)};
}

}  // namespace

void Board::take() {
  for (BoardCall& call : turn_.ports.gateway.take_board_calls()) {
    BoardAnswer answer = answer_to(call);
    // Held until the turn's events are durable: what an agent was shown is in the journal by then.
    answers_.emplace_back(call.id, std::move(answer));
  }
}

void Board::answer() {
  for (auto& [id, answer] : std::exchange(answers_, {}))
    turn_.ports.gateway.answer(id, std::move(answer));
}

BoardAnswer Board::answer_to(BoardCall& call) {
  // A process that outlives its attempt is told nothing any more.
  const Attempt* const live = live_.find(call.name.task);
  if (live == nullptr || live->name().attempt != call.name.attempt)
    return refused(410, "this attempt is over");
  const plan::Task& task = turn_.task(call.name.task);
  const auto& topics = turn_.plan.topics;
  const auto found = std::ranges::find(topics, call.topic, &plan::Topic::name);
  if (found == topics.end())
    return refused(404, fmt::format("the plan has no topic `{}`", printable(call.topic)));
  const auto topic = static_cast<std::uint32_t>(found - topics.begin());
  // What a plan does not say is no part of who waits for whom, and so it is refused.
  if (call.posts ? !task.board.posts(topic) : !task.board.reads(topic))
    return refused(403, fmt::format("task `{}` does not say that it {} topic `{}`", task.id,
                                    call.posts ? "posts to" : "reads", call.topic));
  if (call.posts) return post(call);
  const RecordedReads* const recorded = recorded_of(call);
  return recorded != nullptr ? read_again(call, *recorded) : read(call, topic);
}

BoardAnswer Board::post(BoardCall& call) {
  const std::string why = why_not_posted(turn_.plan, turn_.run(), call.topic, call.text);
  if (!why.empty()) return refused(call.text.size() > kPostBytesMax ? 413 : 409, why);
  turn_.record(
      BoardPosted{call.topic, call.name.task, call.name.attempt, std::move(call.text), {}, 0});
  // No number: which one it got is chance.
  return {200, json::serialize(json::object{{"topic", call.topic}, {"posted", true}})};
}

/// What is shown of `ordered` and `rounds` follows from the plan and from what was posted alone: no
/// time, no number of an attempt and none of an event is in it.
BoardAnswer Board::read(const BoardCall& call, std::uint32_t topic) {
  const plan::Topic& its = turn_.plan.topics[topic];
  json::array posts;
  BoardRead event{call.name.task, call.name.attempt, call.topic, call.after, call.after, 0};
  std::size_t bytes = 0;
  bool has_more = false;
  for (const VisiblePost& one : visible_posts(turn_.plan, turn_.run(), call.name.task, topic)) {
    // It says what it has seen; the number stays the same for each attempt.
    if (one.number <= call.after) continue;
    // At least one, however long: else it would ask for ever.
    has_more = bytes + one.post->text.size() > kBoardAnswerBytesMax && !posts.empty();
    if (has_more) break;
    bytes += one.post->text.size();
    posts.push_back(of_note(one, turn_.plan, its.kind));
    event.last = one.number;
    ++event.count;
  }
  note(event);
  return shown(its, std::move(posts), event.last, has_more);
}

/// Who asks again and again is told nothing new, and so is the journal.
void Board::note(const BoardRead& event) {
  const auto& before = turn_.record_of(event.task).attempts.back().board_reads;
  const auto found = std::ranges::find(before, event.topic, &BoardRead::topic);
  if (found == before.end() || event.last > found->last) turn_.record(event);
}

/// Of a live topic, where the run is replayed.
const RecordedReads* Board::recorded_of(const BoardCall& call) const {
  const std::string& task = turn_.task(call.name.task).id;
  for (const RecordedReads& one : turn_.setup.recorded_reads) {
    if (one.task == task && one.topic == call.topic) return &one;
  }
  return nullptr;
}

/// As much as was there when it looked for that many times.
BoardAnswer Board::read_again(const BoardCall& call, const RecordedReads& recorded) {
  const std::size_t look = looks_[{call.name, call.topic}]++;
  const std::uint32_t last =
      recorded.so_far.empty() ? 0 : recorded.so_far[std::min(look, recorded.so_far.size() - 1)];
  json::array posts;
  BoardRead event{call.name.task, call.name.attempt, call.topic, call.after, call.after, 0};
  for (const RecordedReads::Note& one : recorded.notes) {
    if (one.number <= call.after || one.number > last) continue;
    posts.push_back(json::object{
        {"number", one.number}, {"by", one.by}, {"is_person", one.is_person}, {"text", one.text}});
    event.last = one.number;
    ++event.count;
  }
  note(event);
  return shown({call.topic, plan::TopicKind::live}, std::move(posts), event.last, false);
}

}  // namespace interlock::engine
