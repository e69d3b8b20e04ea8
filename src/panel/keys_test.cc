#include "panel/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace interlock::panel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = KeyRequest::Kind;

constexpr Size kSize{.columns = 60, .rows = 24};

TEST(Keys, an_approval_is_asked_about_once_more) {
  Keys keys;
  const KeyTargets targets{.gates = {"publish"}};
  EXPECT_EQ(keys.press('a', targets), KeyRequest{});
  EXPECT_THAT(keys.footer(targets, kSize, {}), HasSubstr("approve `publish`?"));
  EXPECT_EQ(keys.press('y', targets), (KeyRequest{Kind::approve, "publish"}));
  EXPECT_EQ(keys.press('y', targets), KeyRequest{}) << "asked no more";
}

TEST(Keys, another_key_than_yes_leaves_the_gate_as_it_is) {
  Keys keys;
  const KeyTargets targets{.gates = {"publish"}};
  keys.press('a', targets);
  EXPECT_EQ(keys.press('q', targets), KeyRequest{}) << "nor does it leave";
  EXPECT_EQ(keys.press('y', targets), KeyRequest{});
}

TEST(Keys, a_gate_that_was_answered_elsewhere_is_asked_about_no_more) {
  Keys keys;
  keys.press('a', {.gates = {"publish"}});
  EXPECT_EQ(keys.press('y', {.gates = {"other"}}), KeyRequest{});
  EXPECT_EQ(keys.press('a', {}), KeyRequest{});
  EXPECT_THAT(keys.footer({}, kSize, {}), Not(HasSubstr("approve")));
}

TEST(Keys, of_several_gates_each_can_be_meant) {
  Keys keys;
  const KeyTargets targets{.gates = {"", "b", "c"}};
  keys.press('a', targets);
  EXPECT_THAT(keys.footer(targets, kSize, {}), HasSubstr("approve the review, of 3?"));
  keys.press('a', targets);
  keys.press('a', targets);
  EXPECT_EQ(keys.press('r', targets), (KeyRequest{Kind::reject, "c"}));
}

TEST(Keys, pausing_and_going_on_are_one_key) {
  Keys keys;
  EXPECT_EQ(keys.press('p', {}).kind, Kind::pause);
  EXPECT_EQ(keys.press('p', {.is_paused = true}).kind, Kind::go_on);
  EXPECT_EQ(keys.footer({.is_paused = true}, kSize, {}), "? paused  p go on  q leave it running");
  EXPECT_EQ(keys.press('p', {.is_over = true}).kind, Kind::nothing);
}

TEST(Keys, logs_go_round_and_close) {
  Keys keys;
  const KeyTargets targets{.logs = {"one", "two"}};
  EXPECT_EQ(keys.log(targets), "");
  keys.press('l', targets);
  EXPECT_EQ(keys.log(targets), "one");
  keys.press('l', targets);
  EXPECT_EQ(keys.log(targets), "two");
  keys.press('l', targets);
  EXPECT_EQ(keys.log(targets), "one");
  EXPECT_EQ(keys.log({.logs = {"two"}}), "") << "it is gone";
  keys.press('l', targets);
  keys.press(Keys::kEscape, targets);
  EXPECT_EQ(keys.log(targets), "");
}

TEST(Keys, what_could_not_be_done_is_said_until_the_next_press) {
  Keys keys;
  keys.say("no room on the disk");
  EXPECT_THAT(keys.footer({}, kSize, {}), HasSubstr("no room"));
  keys.press('x', {});
  EXPECT_THAT(keys.footer({}, kSize, {}), HasSubstr("q leave it running"));
}

TEST(Keys, sixty_columns_hold_all_that_may_be_pressed) {
  Keys keys;
  const KeyTargets targets{.gates = {"a-task-with-a-name-that-is-far-too-long-for-a-line", "b"},
                           .logs = {"one"}};
  EXPECT_EQ(keys.footer(targets, kSize, {}), "a approve  l log  p pause  q leave it running");
  keys.press('a', targets);
  const std::string asking = keys.footer(targets, kSize, {});
  for (const char* part : {"y yes", "r reject", "a next", "esc no"})
    EXPECT_THAT(asking, HasSubstr(part)) << asking;
}

TEST(Keys, no_frame_is_larger_than_its_size) {
  engine::RunStatus run;
  run.plan_name = "plan";
  run.total = 40;
  run.attention = "`publish` waits for approval: interlock approve r-1 publish";
  for (int i = 0; i < 40; ++i)
    run.tasks.push_back({.id = "task" + std::to_string(i), .state = engine::TaskState::running});
  const KeyTargets targets{.gates = {"publish"}, .logs = {"task1"}};
  const std::vector<std::string> log(50, "\x1b[2J a line that goes on and on and on and on and on");
  for (std::size_t rows = 1; rows < 40; ++rows) {
    for (const std::size_t columns : {1UL, 20UL, 60UL, 200UL}) {
      Keys keys;
      keys.press('l', targets);
      const auto lines = draw_with_keys(run, keys, targets, log, {columns, rows}, {});
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines) {
        EXPECT_LE(display_width(line), columns);
        EXPECT_THAT(line, Not(HasSubstr("\x1b")));
      }
    }
  }
}

TEST(Keys, the_end_of_a_log_stands_above_the_keys) {
  engine::RunStatus run;
  run.plan_name = "plan";
  Keys keys;
  const KeyTargets targets{.logs = {"one"}};
  keys.press('l', targets);
  const auto lines = draw_with_keys(run, keys, targets, {"first", "last"}, kSize, {});
  ASSERT_GE(lines.size(), 4U);
  EXPECT_EQ(lines[lines.size() - 4], "log of one");
  EXPECT_EQ(lines[lines.size() - 2], "  last");
}

}  // namespace
}  // namespace interlock::panel
