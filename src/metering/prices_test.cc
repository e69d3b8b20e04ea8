#include "metering/prices.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::metering {
namespace {

Prices read(std::string_view models) {
  const auto prices = read_prices(fmt::format(R"({{"date":"2026-01-01","models":{}}})", models));
  EXPECT_TRUE(prices) << prices.error().message;
  return prices.value_or(Prices{});
}

std::string show(const std::optional<MicroUsd>& usd) { return usd ? show_usd(*usd) : "unknown"; }

TEST(Prices, find_the_exact_name_before_the_longest_beginning) {
  const Prices prices = read(R"({"a*":{"input":1},"a-b*":{"input":2},"a-b-c":{"input":3}})");
  EXPECT_EQ(prices.find("a-b-c")->input, 3'000'000);
  EXPECT_EQ(prices.find("a-b-d")->input, 2'000'000);
  EXPECT_EQ(prices.find("a-x")->input, 1'000'000);
  EXPECT_EQ(prices.find("b"), nullptr);
}

TEST(Prices, that_come_along_have_a_date_and_a_source) {
  const Prices& prices = built_in_prices();
  EXPECT_EQ(prices.date.size(), 10U);
  EXPECT_FALSE(prices.source.empty());
  for (const Price& price : prices.prices) {
    EXPECT_TRUE(price.input && price.output && price.cache_read) << price.model;
    EXPECT_LT(*price.cache_read, *price.input) << price.model;
    EXPECT_GT(*price.output, *price.input) << price.model;
  }
  EXPECT_EQ(prices.find("a-model-of-nobody"), nullptr);
  // A later model is not sold at an earlier one's price.
  EXPECT_EQ(prices.find("claude-opus-5-9"), nullptr);
  EXPECT_NE(prices.find("claude-opus-4-5-20251101"), nullptr);
}

TEST(Prices, of_a_call_are_what_a_client_counts_itself) {
  // As Claude Code told of a call with these numbers: 0.0079 dollars.
  EXPECT_EQ(cost_of(built_in_prices(), "claude-opus-5-5", {1000, 70, 5000, 300, {}}), 7'900);
}

TEST(CostOf, is_unknown_when_any_part_is) {
  const Prices prices = read(R"({"m":{"input":3,"output":15,"cache_read":0.3}})");
  EXPECT_EQ(show(cost_of(prices, "m", {1'000'000, 100'000, 0, 0, {}})), "$4.50");
  EXPECT_EQ(show(cost_of(prices, "m", {1, 1, 1, 1, {}})), "unknown");  // no price for writing
  EXPECT_EQ(show(cost_of(prices, "m", {1, {}, 0, 0, {}})), "unknown");
  EXPECT_EQ(show(cost_of(prices, "other", {1, 1, 0, 0, {}})), "unknown");
  EXPECT_EQ(cost_of(prices, "m", {1, 0, 0, 0, {}}), 3);
  EXPECT_EQ(cost_of(prices, "m", {0, 0, 1, 0, {}}), 1);  // rounded up
}

TEST(CostOf, is_unknown_beyond_the_prompts_that_the_price_is_for) {
  const Prices prices =
      read(R"({"m":{"input":1,"output":1,"cache_read":1,"cache_write":1,"up_to":100}})");
  EXPECT_EQ(cost_of(prices, "m", {50, 1, 25, 25, {}}), 101);
  EXPECT_FALSE(cost_of(prices, "m", {50, 1, 25, 26, {}}));
}

TEST(SavedByCache, is_less_what_writing_cost_extra) {
  const Prices prices = read(R"({"m":{"input":10,"output":50,"cache_read":1,"cache_write":12.5}})");
  EXPECT_EQ(saved_by_cache(prices, "m", {0, 0, 1'000, 0, {}}), 9'000);
  EXPECT_EQ(saved_by_cache(prices, "m", {0, 0, 0, 1'000, {}}), -2'500);
  EXPECT_EQ(saved_by_cache(prices, "m", {5, 5, 0, 0, {}}), 0);
  EXPECT_FALSE(saved_by_cache(prices, "m", {0, 0, {}, 0, {}}));
}

TEST(Overridden, puts_ones_own_before_the_list) {
  const Prices base = read(R"({"a-1":{"input":1},"a-2":{"input":2},"b":{"input":3}})");
  const Prices both = overridden(base, read(R"({"a-*":{"input":9},"b":{"input":8}})"));
  EXPECT_EQ(both.find("a-1")->input, 9'000'000);
  EXPECT_EQ(both.find("b")->input, 8'000'000);
  EXPECT_EQ(overridden(base, read("{}")).prices.size(), 3U);
}

TEST(ReadPrices, says_what_is_wrong) {
  const auto why = [](std::string_view text) {
    const auto prices = read_prices(text);
    return prices ? "nothing" : prices.error().message;
  };
  EXPECT_EQ(why("{"), "the list of prices: line 1, column 2: the document ends too early");
  EXPECT_EQ(why("[]"), "the list of prices: is to be an object with `date`, `source` and `models`");
  EXPECT_EQ(
      why(R"({"models":{"m":{"input":-1}}})"),
      "the list of prices: `input` of `m` is to be dollars per million tokens, a number from 0 on");
  EXPECT_EQ(why(R"({"models":{"m":{"inptu":1}}})"),
            "the list of prices: `inptu` of `m` is none of input, output, cache_read, cache_write, "
            "cache_least and up_to");
  EXPECT_EQ(why(R"({"models":{"m":{"input":null}}})"), "nothing");
}

}  // namespace
}  // namespace interlock::metering
