#include "panel/tab_progress.h"

#include <gtest/gtest.h>

namespace interlock::panel {
namespace {

TEST(TabProgress, is_told_when_a_whole_percent_or_the_state_is_another) {
  TabProgress progress;
  engine::RunStatus run;
  run.total = 1000;
  run.done = 500;
  EXPECT_EQ(progress.update(run), "\x1b]9;4;1;50\x1b\\");
  run.done = 501;
  EXPECT_EQ(progress.update(run), "");
  run.attention = "a gate";
  EXPECT_EQ(progress.update(run), "\x1b]9;4;4;50\x1b\\");
  run.failed = 9;
  EXPECT_EQ(progress.update(run), "\x1b]9;4;2;51\x1b\\");
}

TEST(TabProgress, is_taken_away_once) {
  TabProgress progress;
  EXPECT_EQ(progress.end(), "") << "nothing was shown";
  engine::RunStatus run;
  EXPECT_EQ(progress.update(run), "\x1b]9;4;3;0\x1b\\");
  EXPECT_EQ(progress.end(), TabProgress::kOff);
  EXPECT_EQ(progress.end(), "");
}

}  // namespace
}  // namespace interlock::panel
