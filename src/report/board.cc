#include "report/board.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/board_posts.h"

namespace interlock::report {
namespace {

using engine::PostStanding;

NoteRow row_of(const runs::ChosenRun& run, plan::TopicKind kind, const engine::VisiblePost& one) {
  const engine::PostRecord& post = *one.post;
  NoteRow row;
  row.number = one.number;
  row.by = post.task ? run.plan()[*post.task].id : post.by;
  row.attempt = post.task ? post.attempt : 0;
  if (post.task && kind == plan::TopicKind::rounds) row.round = run.plan()[*post.task].board.round;
  row.standing = name_of(engine::standing_of(run.state, post));
  row.at = post.at;
  row.text = post.text;
  return row;
}

json::object json_of(NoteRow row) {
  json::object shown{{"number", row.number}, {"by", row.by}, {"is_person", row.is_person()}};
  if (!row.is_person()) shown["attempt"] = row.attempt;
  if (row.round > 0) shown["round"] = row.round;
  shown["standing"] = row.standing;
  shown["at"] = show_time(row.at);
  shown["text"] = std::move(row.text);
  return shown;
}

MessageRow row_of(const runs::ChosenRun& run, TaskId task, const engine::MessageRecord& one) {
  return {run.plan()[task].id,
          one.by,
          one.at,
          one.text,
          one.attempt,
          run.state[task].state >= engine::TaskState::done};
}

}  // namespace

std::vector<TopicRow> topics_of(const runs::ChosenRun& run) {
  std::vector<TopicRow> topics;
  for (const plan::Topic& topic : run.plan().topics) {
    TopicRow row{topic.name, std::string(plan::name_of(topic.kind)), {}};
    for (const engine::VisiblePost& one : engine::all_posts(run.state, topic.name))
      row.notes.push_back(row_of(run, topic.kind, one));
    topics.push_back(std::move(row));
  }
  return topics;
}

std::vector<MessageRow> messages_of(const runs::ChosenRun& run) {
  std::vector<MessageRow> rows;
  for (std::uint32_t i = 0; i < run.state.tasks.size(); ++i) {
    for (const engine::MessageRecord& one : run.state.tasks[i].messages)
      rows.push_back(row_of(run, TaskId(i), one));
  }
  return rows;
}

std::string delivery_text(const MessageRow& message) {
  if (message.attempt > 0) return fmt::format("told to attempt {}", message.attempt);
  return message.is_over ? "told to nobody: no attempt came after it" : "told to its next attempt";
}

json::object notes_json(const runs::ChosenRun& run, std::size_t topic, std::uint32_t after,
                        std::size_t bytes) {
  const plan::Topic& its = run.plan().topics[topic];
  json::array posts;
  std::uint32_t last = after;
  std::size_t used = 0;
  bool has_more = false;
  for (const engine::VisiblePost& one : engine::all_posts(run.state, its.name)) {
    if (one.number <= after) continue;
    has_more = !posts.empty() && used + one.post->text.size() > bytes;
    if (has_more) break;
    used += one.post->text.size();
    posts.push_back(json_of(row_of(run, its.kind, one)));
    last = one.number;
  }
  return {{"version", 1},
          {"run", run.id()},
          {"topic", its.name},
          {"kind", plan::name_of(its.kind)},
          {"posts", std::move(posts)},
          {"last", last},
          {"more", has_more}};
}

json::array messages_json(const runs::ChosenRun& run, TaskId task) {
  json::array list;
  for (const engine::MessageRecord& one : run.state[task].messages) {
    const MessageRow row = row_of(run, task, one);
    list.push_back(json::object{
        {"at", show_time(row.at)},
        {"by", row.by},
        {"text", row.text},
        {"attempt", row.attempt == 0 ? json::value(nullptr) : json::value(row.attempt)},
        {"told", delivery_text(row)}});
  }
  return list;
}

json::array topics_json(const runs::ChosenRun& run) {
  json::array list;
  for (const plan::Topic& topic : run.plan().topics) {
    std::size_t posts = 0, open = 0, dropped = 0;
    for (const engine::PostRecord& post : run.state.posts) {
      if (post.topic != topic.name) continue;
      const PostStanding standing = engine::standing_of(run.state, post);
      ++posts;
      open += standing == PostStanding::open ? 1U : 0U;
      dropped += standing == PostStanding::dropped ? 1U : 0U;
    }
    list.push_back(json::object{{"topic", topic.name},
                                {"kind", plan::name_of(topic.kind)},
                                {"posts", posts},
                                {"open", open},
                                {"dropped", dropped}});
  }
  return list;
}

}  // namespace interlock::report
