#include "gateway/leads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Digest kPrefix = digest_of("prefix");
constexpr sys::Loop::Moment kStart = std::chrono::hours(1);

TEST(Leads, the_first_goes_and_the_others_wait_for_it) {
  Leads leads;
  EXPECT_TRUE(leads.may_go(kPrefix, 1, kStart));
  EXPECT_FALSE(leads.may_go(kPrefix, 2, kStart));
  EXPECT_FALSE(leads.may_go(kPrefix, 3, kStart));
  EXPECT_THAT(leads.filled(kPrefix, 1, kStart), ElementsAre(2, 3));
  EXPECT_TRUE(leads.may_go(kPrefix, 4, kStart)) << "it is warm";
}

TEST(Leads, a_lead_that_ends_in_vain_is_followed_by_one) {
  Leads leads;
  leads.may_go(kPrefix, 1, kStart);
  leads.may_go(kPrefix, 2, kStart);
  leads.may_go(kPrefix, 3, kStart);
  EXPECT_THAT(leads.ended(kPrefix, 2), IsEmpty()) << "it only waited";
  EXPECT_THAT(leads.ended(kPrefix, 1), ElementsAre(3));
  EXPECT_FALSE(leads.may_go(kPrefix, 4, kStart));
}

TEST(Leads, a_prefix_stays_warm_while_it_is_used) {
  Leads leads;
  leads.may_go(kPrefix, 1, kStart);
  leads.filled(kPrefix, 1, kStart);
  EXPECT_TRUE(leads.may_go(kPrefix, 2, kStart + std::chrono::minutes(4)));
  EXPECT_TRUE(leads.is_warm(kPrefix, kStart + std::chrono::minutes(8)));
  EXPECT_FALSE(leads.is_warm(kPrefix, kStart + std::chrono::minutes(10)));
}

}  // namespace
}  // namespace interlock::gateway
