#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace interlock {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

TEST(ParseDuration, reads_each_unit_and_their_compounds) {
  EXPECT_EQ(parse_duration("1500ms"), 1500ms);
  EXPECT_EQ(parse_duration("45s"), 45s);
  EXPECT_EQ(parse_duration("2.5m"), 150s);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1h2m3s4ms"), 1h + 2min + 3s + 4ms);
  EXPECT_EQ(parse_duration("1m1.5s"), 61'500ms);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("90m"), 90min);
}

TEST(ParseDuration, is_exact_where_floating_point_is_not) {
  EXPECT_EQ(parse_duration("0.1h"), 6min);
  EXPECT_EQ(parse_duration("0.000001s"), 1us);
  EXPECT_EQ(parse_duration("0.001ms"), 1us);
  EXPECT_EQ(parse_duration("0.0001ms"), std::nullopt) << "less than a microsecond";
  EXPECT_EQ(parse_duration("0.0000001h"), std::nullopt) << "more than six places";
}

TEST(ParseDuration, ends_at_a_year) {
  EXPECT_EQ(parse_duration("8760h"), 365 * 24h);
  EXPECT_EQ(parse_duration("8759h60m"), 365 * 24h);
  EXPECT_EQ(parse_duration("8760h1ms"), std::nullopt);
  EXPECT_EQ(parse_duration("8760.000001h"), std::nullopt);
  EXPECT_EQ(parse_duration("9223372036854775807ms"), std::nullopt);
  EXPECT_EQ(parse_duration("18446744073709551617s"), std::nullopt);
  EXPECT_EQ(parse_duration(std::string(100'000, '9') + "s"), std::nullopt);
}

TEST(ParseDuration, refuses_what_is_no_duration) {
  for (const char* text :
       {"",    "5",   "s",      "-5s",  "+5s", " 5s",  "5s ", "5 s", "5S", "5sec", "5d",
        ".5s", "5.s", "1.2.3s", "1e3s", "5s5", "0x5s", "nan", "inf", "٥s", "1,5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(ParseDuration, refuses_units_out_of_order_and_fractions_before_the_last) {
  EXPECT_EQ(parse_duration("30m1h"), std::nullopt);
  EXPECT_EQ(parse_duration("1h1h"), std::nullopt);
  EXPECT_EQ(parse_duration("1.5h30m"), std::nullopt);
}

TEST(ParseDuration, refuses_a_byte_of_nothing) {
  EXPECT_EQ(parse_duration(std::string_view("5s\0", 3)), std::nullopt);
  EXPECT_EQ(parse_duration(std::string_view("5\0s", 3)), std::nullopt);
}

TEST(ParseCount, reads_plain_numbers_and_suffixes) {
  EXPECT_EQ(parse_count("0"), 0);
  EXPECT_EQ(parse_count("15000"), 15'000);
  EXPECT_EQ(parse_count("12k"), 12'000);
  EXPECT_EQ(parse_count("1.5M"), 1'500'000);
  EXPECT_EQ(parse_count("0.001k"), 1);
  EXPECT_EQ(parse_count("1.0"), 1);
}

TEST(ParseCount, ends_at_ten_to_the_fifteenth) {
  EXPECT_EQ(parse_count("1000000000000000"), 1'000'000'000'000'000);
  EXPECT_EQ(parse_count("1000000000M"), 1'000'000'000'000'000);
  EXPECT_EQ(parse_count("1000000000000001"), std::nullopt);
  EXPECT_EQ(parse_count("1000000000.000001M"), std::nullopt);
  EXPECT_EQ(parse_count("1000000000000000M"), std::nullopt);
  EXPECT_EQ(parse_count("99999999999999999999999"), std::nullopt);
}

TEST(ParseCount, refuses_what_is_no_whole_count) {
  for (const char* text : {"", "k", "-1", "1.5", "1.2345k", "1K", "1m", "1G", "1 k", "1kk", "1kM",
                           "1,000", "1_000", "1e6", "1.", ".5k"}) {
    EXPECT_EQ(parse_count(text), std::nullopt) << text;
  }
}

TEST(ParseRate, reads_amounts_over_each_period) {
  EXPECT_EQ(parse_rate("50/min"), (Rate{50, 1min}));
  EXPECT_EQ(parse_rate("40k/min"), (Rate{40'000, 1min}));
  EXPECT_EQ(parse_rate("2/s"), (Rate{2, 1s}));
  EXPECT_EQ(parse_rate("1000/h"), (Rate{1'000, 1h}));
  EXPECT_EQ(parse_rate("5M/day"), (Rate{5'000'000, 24h}));
}

TEST(ParseRate, refuses_what_is_no_rate) {
  for (const char* text : {"", "/", "50", "50/", "/min", "50/m", "50/minute", "50/60s", "50 / min",
                           "50/min/min", "-1/s", "0.5/s"}) {
    EXPECT_EQ(parse_rate(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_rate("0/min"), std::nullopt) << "would let nothing through, ever";
}

TEST(ParseUsd, reads_dollars_to_the_millionth) {
  EXPECT_EQ(parse_usd("5.00"), 5'000'000);
  EXPECT_EQ(parse_usd("$5"), 5'000'000);
  EXPECT_EQ(parse_usd("0.000001"), 1);
  EXPECT_EQ(parse_usd("1000000000"), 1'000'000'000'000'000);
}

TEST(ParseUsd, refuses_what_is_no_amount) {
  for (const char* text : {"", "$", "$$5", "5$", "-5", "$-5", "5k", "0.0000001", "1000000000.01",
                           "1e2", "5,00", "5.00 "}) {
    EXPECT_EQ(parse_usd(text), std::nullopt) << text;
  }
}

TEST(ShowDuration, uses_at_most_three_figures_or_two_units) {
  const std::pair<Duration, const char*> cases[] = {
      {0us, "0 s"},
      {1us, "0 ms"},
      {120us, "0.1 ms"},
      {3ms, "3 ms"},
      {45'200us, "45.2 ms"},
      {99'499us, "99.5 ms"},
      {99'500us, "0.1 s"},
      {400ms, "0.4 s"},
      {1500ms, "1.5 s"},
      {9'960ms, "10 s"},
      {45s, "45 s"},
      {12'345ms, "12.3 s"},
      {59'499ms, "59.5 s"},
      {59'500ms, "1 m 00 s"},
      {95s, "1 m 35 s"},
      {125s, "2 m 05 s"},
      {3'599'400ms, "59 m 59 s"},
      {3'599'500ms, "1 h 00 m"},
      {62min, "1 h 02 m"},
      {23h + 59min + 30s, "1 d 00 h"},
      {51h, "2 d 03 h"},
      {-400ms, "-0.4 s"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(show_duration(duration), text);
}

TEST(ShowDuration, has_a_word_for_the_largest_and_the_least) {
  EXPECT_EQ(show_duration(Duration::max()), "106751991 d 04 h");
  EXPECT_EQ(show_duration(Duration::min()), "-106751991 d 04 h");
}

TEST(ShowCount, uses_at_most_three_figures) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "0"},
      {950, "950"},
      {999, "999"},
      {1'000, "1k"},
      {1'049, "1k"},
      {1'050, "1.1k"},
      {12'300, "12.3k"},
      {99'949, "99.9k"},
      {99'950, "100k"},
      {123'450, "123k"},
      {999'499, "999k"},
      {999'500, "1M"},
      {1'234'567, "1.2M"},
      {2'000'000'000, "2G"},
      {-12'300, "-12.3k"},
  };
  for (const auto& [count, text] : cases) EXPECT_EQ(show_count(count), text);
  EXPECT_EQ(show_count(kMost), "9223372T");
  EXPECT_EQ(show_count(kLeast), "-9223372T");
}

TEST(ShowUsd, shows_cents_and_more_where_cents_say_too_little) {
  const std::pair<MicroUsd, const char*> cases[] = {
      {0, "$0.00"},         {1, "$0.000001"},     {4'217, "$0.00422"},         {42'100, "$0.0421"},
      {500'000, "$0.50"},   {999'499, "$0.999"},  {999'500, "$1.00"},          {5'000'000, "$5.00"},
      {1'234'567, "$1.23"}, {1'235'000, "$1.24"}, {1'234'000'000, "$1234.00"}, {-500'000, "-$0.50"},
  };
  for (const auto& [usd, text] : cases) EXPECT_EQ(show_usd(usd), text);
  EXPECT_EQ(show_usd(kLeast), "-$9223372036854.78");
}

TEST(WriteDuration, writes_the_shortest_text) {
  const std::pair<Duration, const char*> cases[] = {
      {0us, "0s"},          {45s, "45s"},     {60s, "1m"},         {90s, "90s"},
      {150s, "150s"},       {1500ms, "1.5s"}, {500ms, "0.5s"},     {5ms, "5ms"},
      {1us, "0.001ms"},     {90min, "90m"},   {1h + 1ms, "1h1ms"}, {1h + 1s, "1h1s"},
      {365 * 24h, "8760h"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(write_duration(duration), text);
}

TEST(WriteDuration, is_read_back_to_the_same_value) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    // All magnitudes alike, and as often round as not.
    std::int64_t us =
        static_cast<std::int64_t>(random() >> (20 + random() % 44)) % 31'536'000'000'000;
    if (random() % 2 == 0) us -= us % (random() % 2 == 0 ? 1'000'000 : 1'000);
    ASSERT_EQ(parse_duration(write_duration(Duration(us))), Duration(us)) << us;
  }
}

TEST(WriteDurationDeathTest, takes_no_negative_duration) {
  EXPECT_DEATH(write_duration(-1us), "this is a bug: a duration in a plan is not negative");
}

TEST(ShowTime, is_rfc_3339_with_milliseconds) {
  EXPECT_EQ(show_time(Time(0us)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(show_time(Time(1'709'210'096'789'999us)), "2024-02-29T12:34:56.789Z")
      << "cut, not rounded into the future";
  EXPECT_EQ(show_time(Time(-1us)), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace interlock
