#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/units.h"
#include "runs/chosen_run.h"

// What tasks and people left on a run's board, and what people said to agents (docs/board.md): for
// people, so all of it, whether it counts or not. Texts are as they were written.
namespace interlock::report {

struct NoteRow {
  std::uint32_t number = 1;   ///< In the order of posting.
  std::string by;             ///< The task, or the person.
  std::uint32_t attempt = 0;  ///< Of the task; 0: a person's.
  std::uint32_t round = 0;    ///< Of the task, where the topic has rounds; else 0.
  std::string standing;       ///< `counts`, `open`, `dropped`.
  Time at{};
  std::string text;

  bool is_person() const { return attempt == 0; }
};
struct TopicRow {
  std::string name, kind;
  std::vector<NoteRow> notes;
};
/// In the plan's order.
std::vector<TopicRow> topics_of(const runs::ChosenRun& run);

/// What a person said to a task's agent.
struct MessageRow {
  std::string task, by;
  Time at{};
  std::string text;
  std::uint32_t attempt = 0;  ///< That was told first; 0: none.
  bool is_over = false;       ///< The task is over: none will be.
};
/// By task in plan order, then as they were said.
std::vector<MessageRow> messages_of(const runs::ChosenRun& run);
/// `told to attempt 2`, `told to its next attempt`, `told to nobody: ...`.
std::string delivery_text(const MessageRow& message);

/// `board read --json` from outside: notes of a topic (by its place in `Plan::topics`) with a
/// larger number than `after`; where they have more than `bytes` of text together, the first of
/// them, and `more` is true.
json::object notes_json(const runs::ChosenRun& run, std::size_t topic, std::uint32_t after,
                        std::size_t bytes);
/// What was said to one task's agent.
json::array messages_json(const runs::ChosenRun& run, TaskId task);
/// How many notes each topic has: `topic`, `kind`, `posts`, `open`, `dropped`.
json::array topics_json(const runs::ChosenRun& run);

}  // namespace interlock::report
