#include "base/usage.h"

#include <gtest/gtest.h>

namespace interlock {
namespace {

TEST(Usage, ASumThatLeavesSomethingOutIsUnknown) {
  const Usage known{10, 2, 3, 4, 100};
  const Usage cut{10, std::nullopt, 3, 4, std::nullopt};
  EXPECT_EQ(known + known, (Usage{20, 4, 6, 8, 200}));
  EXPECT_EQ(known + cut, (Usage{20, std::nullopt, 6, 8, std::nullopt}));
  EXPECT_EQ(no_usage() + known, known);
}

TEST(Usage, AtLeastIsTheSumOfWhatIsKnown) {
  const Usage cut{10, std::nullopt, 3, 4, std::nullopt};
  EXPECT_EQ(at_least(Usage{10, 2, 3, 4, 100}, cut), (Usage{20, 2, 6, 8, 100}));
  EXPECT_EQ(at_least(Usage{}, Usage{}), Usage{}) << "nothing known is not nothing used";
}

TEST(Usage, ATotalNeedsAllItsParts) {
  EXPECT_EQ(total_tokens({10, 2, 3, 4, std::nullopt}), 19);
  EXPECT_EQ(total_tokens({10, 2, std::nullopt, 4, 100}), std::nullopt);
  EXPECT_EQ(total_tokens(no_usage()), 0);
}

}  // namespace
}  // namespace interlock
