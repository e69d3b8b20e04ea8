#include "engine/board_posts.h"

#include <gtest/gtest.h>

#include "engine/run_state.h"

namespace interlock::engine {
namespace {

/// `a` and `b` post to both topics, `c` reads both in round 2.
plan::Plan three_tasks() {
  plan::Plan plan;
  plan.topics = {{"chain", plan::TopicKind::ordered},
                 {"ideas", plan::TopicKind::rounds},
                 {"talk", plan::TopicKind::live}};
  plan.tasks.resize(3);
  for (std::size_t i = 0; i < 3; ++i) {
    plan::Task& task = plan.tasks[i];
    task.id = std::string(1, static_cast<char>('a' + i));
    task.prompt = "work";
    for (std::uint32_t topic = 0; topic < 3; ++topic)
      task.board.topics.push_back({topic, i < 2, i == 2});
    task.board.round = i < 2 ? 1 : 2;
  }
  return plan;
}

class BoardPosts : public ::testing::Test {
 protected:
  void then(Event event) { apply(run, {run.seq + 1, Time{}, std::move(event)}); }
  void start(std::size_t task, std::uint32_t attempt = 1) {
    AttemptStarted event;
    event.task = TaskId(task);
    event.attempt = attempt;
    then(event);
  }
  void end(std::size_t task, Outcome outcome, std::uint32_t attempt = 1) {
    AttemptEnded event;
    event.task = TaskId(task);
    event.attempt = attempt;
    event.outcome = outcome;
    then(event);
  }
  void post(std::size_t task, const std::string& text, std::uint32_t attempt = 1) {
    for (const plan::Topic& topic : plan.topics)
      then(BoardPosted{topic.name, TaskId(task), attempt, text, {}, 0});
  }
  void finish(std::size_t task, std::uint32_t attempt = 1) {
    end(task, Outcome::succeeded, attempt);
    then(TaskDone{TaskId(task), attempt, {}, {}, {}});
  }
  std::string seen(std::uint32_t topic) const {
    std::string text;
    for (const VisiblePost& one : visible_posts(plan, run, TaskId(2), topic))
      text += std::to_string(one.number) + " " + one.post->text + "\n";
    return text;
  }

  plan::Plan plan = three_tasks();
  RunState run{plan};
};

TEST_F(BoardPosts, AreSeenInPlanOrderWhoeverWasFaster) {
  start(0), start(1);
  post(1, "of b"), post(0, "of a");
  EXPECT_EQ(seen(0), "") << "nothing counts before its task is done";
  EXPECT_EQ(seen(2), "1 of b\n2 of a\n");
  finish(1), finish(0);
  EXPECT_EQ(seen(0), "1 of a\n2 of b\n");
  EXPECT_EQ(seen(1), "1 of a\n2 of b\n");
  EXPECT_EQ(seen(2), "1 of b\n2 of a\n");
}

TEST_F(BoardPosts, OfAnAttemptThatFailedAreDropped) {
  start(0);
  post(0, "wrong");
  end(0, Outcome::exited_nonzero);
  then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::retry, Time{}, true, {}});
  EXPECT_EQ(seen(2), "");
  start(0, 2);
  post(0, "right", 2);
  EXPECT_EQ(seen(2), "2 right\n");
  finish(0, 2);
  EXPECT_EQ(seen(0), "1 right\n");
  EXPECT_EQ(standing_of(run, run.posts.front()), PostStanding::dropped);
}

TEST_F(BoardPosts, OfPeopleAreSeenByWhatStartsAfterThem) {
  then(BoardPosted{"chain", {}, 0, "before", "ann", 1});
  start(0), finish(0), start(1), finish(1), start(2);
  then(BoardPosted{"chain", {}, 0, "too late", "ann", 2});
  EXPECT_EQ(seen(0), "1 before\n");
}

TEST_F(BoardPosts, AreBounded) {
  EXPECT_EQ(why_not_posted(plan, run, "chain", "x"), "");
  EXPECT_NE(why_not_posted(plan, run, "chain", ""), "");
  EXPECT_NE(why_not_posted(plan, run, "nosuch", "x"), "");
  EXPECT_NE(why_not_posted(plan, run, "chain", "\xff"), "");
  EXPECT_NE(why_not_posted(plan, run, "chain", std::string(kPostBytesMax + 1, 'x')), "");
  start(0);
  for (std::size_t i = 0; i < kPostsMax; ++i) then(BoardPosted{"chain", TaskId(0), 1, "x", {}, 0});
  EXPECT_EQ(why_not_posted(plan, run, "chain", "x"),
            "topic `chain` holds 1000 notes already, and takes no more");
}

TEST_F(BoardPosts, AWordToATaskIsToldToItsNextAttempt) {
  start(0);
  EXPECT_EQ(why_not_sent(plan, run, TaskId(0), "x"), "");
  then(MessageSent{TaskId(0), "x", "ann", 1});
  EXPECT_EQ(run[TaskId(0)].messages.front().attempt, 0u);
  end(0, Outcome::output_invalid);
  then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::correction, Time{}, false, "no"});
  start(0, 2);
  EXPECT_EQ(run[TaskId(0)].messages.front().attempt, 2u);
  finish(0, 2);
  EXPECT_EQ(why_not_sent(plan, run, TaskId(0), "x"), "task `a` is over: it is done");
  plan.tasks[1].prompt.clear();
  EXPECT_EQ(why_not_sent(plan, run, TaskId(1), "x"),
            "task `b` runs a command, which takes no message");
}

}  // namespace
}  // namespace interlock::engine
