#include "engine/board_posts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "engine/run_state.h"

namespace interlock::engine {

namespace {

/// When the attempt that is under way started; one that is still to come has seen all.
std::uint64_t started_at(const TaskRecord& record) {
  const bool is_under_way = record.state != TaskState::waiting && !record.attempts.empty();
  return is_under_way ? record.attempts.back().started_seq : ~std::uint64_t{0};
}

/// Whether the plan lets `reader` see what `author` posts.
bool is_before(const plan::Plan& plan, TaskId author, TaskId reader, plan::TopicKind kind) {
  // Plan order: the same tasks whoever is faster.
  if (kind == plan::TopicKind::ordered) return author < reader;
  // Within a round nobody sees the others, or the first would lead them.
  return plan[author].board.round < plan[reader].board.round;
}

}  // namespace

std::string_view name_of(PostStanding standing) {
  static constexpr std::array<std::string_view, 3> kNames = {"counts", "open", "dropped"};
  return kNames[static_cast<std::size_t>(standing)];
}

PostStanding standing_of(const RunState& run, const PostRecord& post) {
  // A person's word depends on no attempt.
  if (!post.task) return PostStanding::counts;
  const TaskRecord& record = run[*post.task];
  const bool is_latest = !record.attempts.empty() && record.attempts.back().number == post.attempt;
  // It is done again, or was not done at all: what an attempt said that does not count does not
  // count.
  if (!is_latest || !record.from_run.empty()) return PostStanding::dropped;
  if (record.state == TaskState::done) return PostStanding::counts;
  const auto& outcome = record.attempts.back().outcome;
  // Whether it counts is not known before its changes are in.
  const bool may_succeed = record.state == TaskState::running ||
                           record.state == TaskState::reviewing ||
                           (record.state == TaskState::committing && outcome == Outcome::succeeded);
  return may_succeed ? PostStanding::open : PostStanding::dropped;
}

std::vector<VisiblePost> visible_posts(const plan::Plan& plan, const RunState& run, TaskId reader,
                                       std::uint32_t topic) {
  const plan::Topic& its = plan.topics[topic];
  std::vector<VisiblePost> found;
  // Chance, and said to be: all that there is now.
  if (its.kind == plan::TopicKind::live) {
    found = all_posts(run, its.name);
    std::erase_if(found, [&](const VisiblePost& one) {
      return standing_of(run, *one.post) == PostStanding::dropped;
    });
    return found;
  }
  // What a person says while it works is for the next attempt, so that this one can be replayed.
  const std::uint64_t began = started_at(run[reader]);
  for (const PostRecord& post : run.posts) {
    if (post.topic != its.name) continue;
    const bool is_seen = post.task ? is_before(plan, *post.task, reader, its.kind) &&
                                         standing_of(run, post) == PostStanding::counts
                                   : post.seq < began;
    if (is_seen) found.push_back({0, &post});
  }
  // Who was faster is chance: plan order is not.
  std::ranges::stable_sort(found, [](const VisiblePost& a, const VisiblePost& b) {
    if (a.post->task.has_value() != b.post->task.has_value()) return a.post->task.has_value();
    return a.post->task && *a.post->task < *b.post->task;
  });
  // From 1 in this order, not by event: a second attempt is to find the same numbers.
  for (std::uint32_t i = 0; i < found.size(); ++i) found[i].number = i + 1;
  return found;
}

std::string why_not_posted(const plan::Plan& plan, const RunState& run, const std::string& topic,
                           std::string_view text) {
  if (std::ranges::find(plan.topics, topic, &plan::Topic::name) == plan.topics.end())
    return fmt::format("the plan has no topic `{}`", printable(topic));
  if (text.empty()) return "an empty note is not posted";
  if (text.size() > kPostBytesMax)
    return fmt::format(
        "the note has {} bytes, and the board takes {}; leave what is long in an "
        "output or a file, and post where it is",
        text.size(), kPostBytesMax);
  // It goes into JSON, and into prompts.
  if (first_bad_utf8(text) || text.contains('\0')) return "the note is not UTF-8 text";
  if (std::cmp_greater_equal(std::ranges::count(run.posts, topic, &PostRecord::topic), kPostsMax))
    return fmt::format("topic `{}` holds {} notes already, and takes no more", topic, kPostsMax);
  return {};
}

std::string why_not_sent(const plan::Plan& plan, const RunState& run, TaskId task,
                         std::string_view text) {
  const std::string& id = plan[task].id;
  if (run[task].state >= TaskState::done)
    return fmt::format("task `{}` is over: it is {}", id, name_of(run[task].state));
  if (plan[task].prompt.empty())
    return fmt::format("task `{}` runs a command, which takes no message", id);
  if (text.empty()) return "an empty message is not sent";
  if (text.size() > kPostBytesMax)
    return fmt::format("the message has {} bytes, more than {}", text.size(), kPostBytesMax);
  if (first_bad_utf8(text) || text.contains('\0')) return "the message is not UTF-8 text";
  return {};
}

std::vector<VisiblePost> all_posts(const RunState& run, const std::string& topic) {
  std::vector<VisiblePost> found;
  for (const PostRecord& post : run.posts) {
    if (post.topic == topic) found.push_back({static_cast<std::uint32_t>(found.size() + 1), &post});
  }
  return found;
}

}  // namespace interlock::engine
