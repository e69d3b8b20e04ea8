#include "plan/order.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace interlock::plan {
namespace {

std::string show(const NeedLists& needs) {
  const auto order = order_of(needs);
  return fmt::format("{} {}", order.sequence, order.cycles);
}

TEST(Order, KeepsTheDocumentsWhereNothingIsNeededLater) {
  EXPECT_EQ(show({{}, {0}, {}, {1, 2}}), "[0, 1, 2, 3] []");
}

TEST(Order, MovesOnlyNeededTasksAhead) {
  // 0 needs 3, which needs 2; 1 stays behind 0.
  EXPECT_EQ(show({{3}, {}, {}, {2}, {}}), "[2, 3, 0, 1, 4] []");
}

TEST(Order, ShowsEachCycleFromItsFirstTask) {
  EXPECT_EQ(show({{}, {2}, {3}, {1}, {5}, {4}}), "[0, 3, 2, 1, 5, 4] [[1, 2, 3], [4, 5]]");
}

TEST(Order, TakesAChainOfAMillion) {
  NeedLists chain(1'000'000);
  for (std::uint32_t task = 0; task + 1 < chain.size(); ++task) chain[task] = {task + 1};
  const auto order = order_of(chain);
  EXPECT_EQ(order.sequence.front(), 999'999u);
  EXPECT_EQ(order.sequence.back(), 0u);
}

}  // namespace
}  // namespace interlock::plan
