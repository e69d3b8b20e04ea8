#include "decide/conditions.h"

#include <gtest/gtest.h>

namespace interlock::decide {
namespace {

using std::chrono::seconds;

TEST(ApplySize, ScalesTheWorkAndNothingElse) {
  Expected one;
  one.time = seconds(60);
  one.tokens = 1000;
  one.overhead_tokens = 5000;
  one.cost = 300;
  one.p_failure = 0.1;
  std::vector<Expected> all{one, Expected{}};
  apply_size(all, {.quota = 1, .size = 2.5});
  EXPECT_EQ(all[0].time, seconds(150));
  EXPECT_EQ(all[0].tokens, 2500);
  EXPECT_EQ(all[0].overhead_tokens, 5000);
  EXPECT_EQ(all[0].cost, 750);
  EXPECT_EQ(all[0].p_failure, 0.1);
  EXPECT_FALSE(all[1].tokens) << "unknown is not zero";
  EXPECT_FALSE(all[1].cost);
}

TEST(ApplyQuota, ScalesQuotasOnlyAndNeverToNothing) {
  plan::Plan plan;
  plan::Resource quota, lock;
  quota.kind = plan::Resource::Kind::quota;
  quota.rates.requests = Rate{50, seconds(60)};
  quota.concurrency = 4;
  lock.kind = plan::Resource::Kind::slots;
  lock.capacity = 3;
  plan.resources = {quota, lock};
  plan::Plan more = plan, less = plan, same = plan;
  apply_quota(more, {.quota = 2});
  EXPECT_EQ(more.resources[0].rates.requests, (Rate{100, seconds(60)}));
  EXPECT_EQ(more.resources[0].concurrency, 8);
  EXPECT_EQ(more.resources[1].capacity, 3);
  EXPECT_FALSE(more.resources[0].rates.usd);
  apply_quota(less, {.quota = kLeastFactor});
  EXPECT_EQ(less.resources[0].rates.requests->amount, 1);
  EXPECT_EQ(less.resources[0].concurrency, 1);
  apply_quota(same, {});
  EXPECT_EQ(same.resources, plan.resources);
}

}  // namespace
}  // namespace interlock::decide
