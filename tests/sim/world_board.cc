#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "sim/world.h"

// Worlds whose tasks leave notes for each other, and whose people speak.
namespace interlock::sim {

namespace {

using engine::TaskState;

const std::vector<std::string> kTopics = {"rounds", "ordered", "live"};

std::string note_of(const plan::Task& task, std::uint32_t attempt) {
  return fmt::format("note of {} by attempt {}", task.id, attempt);
}

/// Whether what the earlier posts is for the later to see, by the words of the plan.
bool should_hear(const plan::Plan& plan, std::size_t author, std::size_t reader,
                 const std::string& topic) {
  const auto place =
      static_cast<std::uint32_t>(std::ranges::find(kTopics, topic) - kTopics.begin());
  if (!plan.tasks[author].board.posts(place)) return false;
  if (topic == "rounds") return plan.tasks[author].board.round < plan.tasks[reader].board.round;
  return author < reader;
}

}  // namespace

void draw_board(Dice& dice, plan::Plan& plan, bool linked) {
  for (std::size_t i = 0; i < kTopics.size(); ++i)
    plan.topics.push_back({kTopics[i], static_cast<plan::TopicKind>(i)});
  const std::size_t in_a_round = 1 + dice.below(4);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    plan::Task& task = plan.tasks[i];
    task.batch = 1;
    task.board.round = static_cast<std::uint32_t>(1 + i / in_a_round);
    for (std::uint32_t topic = 0; topic < kTopics.size(); ++topic) {
      const plan::TopicUse use{topic, dice.chance(500), dice.chance(400)};
      if (use.posts || use.reads) task.board.topics.push_back(use);
    }
    for (std::size_t before = 0; before < i && linked; ++before) {
      for (const plan::TopicUse& use : task.board.topics) {
        const std::string& topic = kTopics[use.topic];
        if (use.reads && topic != "live" && should_hear(plan, before, i, topic))
          task.after.emplace_back(before);
      }
    }
    std::ranges::sort(task.after);
    task.after.erase(std::ranges::unique(task.after).begin(), task.after.end());
  }
}

/// It looks at all that it may, and leaves a note wherever it may; whatever becomes of it then.
void World::use_board(const engine::SpawnSpec& spec) {
  const plan::Task& task = plan_[spec.name.task];
  if (!spec.environment.contains("INTERLOCK_BOARD")) {
    promise(task.board.empty(), "whoever uses the board is told where it is");
    return;
  }
  for (const plan::TopicUse& use : task.board.topics) {
    const std::string& topic = kTopics[use.topic];
    if (use.reads) gateway_.ask_board(spec.name, false, topic, {});
    if (use.posts) gateway_.ask_board(spec.name, true, topic, note_of(task, spec.name.attempt));
    if (!use.reads) gateway_.ask_board(spec.name, false, topic, {});  // It is not to.
  }
  processes_.poke();
}

void World::see_board_answer(const engine::BoardCall& call, const engine::BoardAnswer& answer) {
  const auto topic =
      static_cast<std::uint32_t>(std::ranges::find(kTopics, call.topic) - kTopics.begin());
  const plan::Task& task = plan_[call.name.task];
  const bool may = call.posts ? task.board.posts(topic) : task.board.reads(topic);
  promise(may == (answer.status == 200), "who may use a topic, and nobody else, can");
  if (call.posts && may) {
    const auto& events = journal_.events();
    promise(std::ranges::any_of(events,
                                [&](const engine::RecordedEvent& recorded) {
                                  const auto* posted =
                                      std::get_if<engine::BoardPosted>(&recorded.event);
                                  return posted != nullptr && posted->task == call.name.task &&
                                         posted->attempt == call.name.attempt &&
                                         posted->topic == call.topic;
                                }),
            "a note is durable before its author is told so");
  }
  if (call.posts || !may) return;
  const auto shown = parse_json(answer.body);
  std::vector<std::string> notes;
  for (const json::value& one : shown->at("posts").as_array()) {
    if (one.at("is_person").as_bool()) continue;
    notes.push_back(fmt::format("{} {}", std::string(one.at("by").as_string()),
                                std::string(one.at("text").as_string())));
  }
  notes_seen_ += notes.size();
  if (call.topic != "live") {
    auto& before = seen_[{call.name, call.topic}];
    promise(before.empty() || before == notes, "an attempt sees the same whenever it looks");
    before = std::move(notes);
  }
}

/// What every task saw that came to its end is what the serial run would have shown it: the notes
/// of those before it that are done, by the attempts that did them, in plan order.
void World::check_board() {
  if (plan_.topics.empty()) return;
  for (const engine::PostRecord& post : run_->posts) {
    if (engine::standing_of(*run_, post) == engine::PostStanding::dropped) ++notes_dropped_;
  }
  // Whom a person asked for again comes behind those that should have seen it.
  if (!in_plan_order()) return;
  const bool lost = std::ranges::any_of(journal_.events(), [](const auto& recorded) {
    return std::holds_alternative<engine::ChangesLost>(recorded.event);
  });
  if (lost) return;
  for (const auto& [key, notes] : seen_) {
    const auto& [name, topic] = key;
    const engine::TaskRecord& record = (*run_)[name.task];
    if (record.state != TaskState::done || record.attempts.back().number != name.attempt) continue;
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      const engine::TaskRecord& author = run_->tasks[i];
      if (author.state != TaskState::done || !author.from_run.empty()) continue;
      if (!should_hear(plan_, i, name.task.index(), topic)) continue;
      const plan::Task& task = plan_.tasks[i];
      expected.push_back(
          fmt::format("{} {}", task.id, note_of(task, author.attempts.back().number)));
    }
    // One that was done as its note could not be posted any more has none: that is no fault here.
    std::vector<std::string> posted;
    for (const std::string& one : expected) {
      const bool is_there = std::ranges::any_of(run_->posts, [&](const engine::PostRecord& post) {
        return post.topic == topic && post.task &&
               fmt::format("{} {}", plan_[*post.task].id, post.text) == one;
      });
      if (is_there) posted.push_back(one);
    }
    promise(notes == posted,
            fmt::format("`{}` sees of topic `{}` what the serial run shows it: {} notes, not {}",
                        plan_[name.task].id, topic, posted.size(), notes.size()));
  }
}

void World::people_speak() {
  if (!faults_are_on() || !dice_.chance(faults_.person_speaks)) return;
  const std::string& task = plan_.tasks[dice_.below(plan_.tasks.size())].id;
  const std::string& other = plan_.tasks[dice_.below(plan_.tasks.size())].id;
  static const std::vector<std::string> kPlaces = {"first", "last", "before", "after"};
  engine::Request request{0, engine::Request::Kind::move, task, "sim"};
  if (dice_.chance(600)) {
    request.body = fmt::format(R"({{"place":"{}","other":"{}"}})", dice_.one_of(kPlaces), other);
  } else if (dice_.chance(500) && !plan_.topics.empty()) {
    request.kind = engine::Request::Kind::post;
    request.body = fmt::format(R"({{"topic":"{}","text":"a person's"}})", dice_.one_of(kTopics));
  } else {
    request.kind = engine::Request::Kind::send;
    request.body = "mind the gap";
  }
  journal_.post(std::move(request));
  processes_.poke();
}

}  // namespace interlock::sim
