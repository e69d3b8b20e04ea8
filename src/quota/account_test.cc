#include "quota/account.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "quota/fixture_folder.h"
#include "quota/layout.h"

namespace interlock::quota {
namespace {

using namespace std::chrono_literals;

std::string show(const std::variant<Grant, Denial>& answer, Moment now) {
  if (std::holds_alternative<Grant>(answer)) return "granted";
  const Denial denial = std::get<Denial>(answer);
  if (!denial.until) return fmt::format("{}, until something changes", name_of(denial.what));
  const auto left = std::chrono::duration_cast<Duration>(*denial.until - now);
  return fmt::format("{}, for {}", name_of(denial.what), write_duration(left));
}

/// A folder with one account in it, and a time that stands still.
class AnAccount : public testing::Test {
 protected:
  std::unique_ptr<Account> open(const Limits& limits) {
    auto account = Account::open(folder.at("account"), limits);
    EXPECT_TRUE(account) << account.error().message;
    if (time == Moment{}) time = quota::now() + 1h;  // whatever was empty is full by now
    return *std::move(account);
  }
  std::string ask(Account& account, const Cost& cost = {}) {
    const auto answer = account.ask(cost, time);
    if (std::holds_alternative<Grant>(answer)) last = std::get<Grant>(answer);
    return show(answer, time);
  }
  bool is_told(Account& account) {
    pollfd one{account.changed(), POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
  }

  TempFolder folder;
  Moment time{};
  Grant last;
};

Limits per_minute(std::int64_t requests) {
  Limits limits;
  limits.requests = Rate{requests, 60s};
  return limits;
}

Limits at_a_time(std::int64_t concurrency) {
  Limits limits;
  limits.concurrency = concurrency;
  return limits;
}

TEST_F(AnAccount, lets_everything_through_where_nothing_is_limited) {
  const auto account = open({});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(*account, {1, 1'000'000, 1'000'000, 0}), "granted");
}

TEST_F(AnAccount, gives_the_burst_and_then_what_the_rate_earns) {
  const auto account = open(per_minute(60));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ask(*account), "granted");
  EXPECT_EQ(ask(*account), "requests, for 1s");
  time += 999ms;
  EXPECT_EQ(ask(*account), "requests, for 1ms");
  time += 1ms;
  EXPECT_EQ(ask(*account), "granted");
  EXPECT_EQ(ask(*account), "requests, for 1s");
}

TEST_F(AnAccount, takes_all_dimensions_or_none) {
  Limits limits = per_minute(600);
  limits.input_tokens = Rate{60'000, 60s};
  const auto account = open(limits);
  EXPECT_EQ(ask(*account, {1, 6'000, 0, 0}), "granted");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(*account, {1, 1'000, 0, 0}), "input_tokens, for 1s");
  account->leave();
  // Of the requests only the one that was granted is gone.
  EXPECT_NEAR(account->snapshot(time).requests.free, 59.0 / 60, 1e-6);
  EXPECT_NEAR(account->snapshot(time).input_tokens.free, 0, 1e-6);
}

TEST_F(AnAccount, pays_off_what_is_larger_than_the_burst) {
  Limits limits;
  limits.output_tokens = Rate{6'000, 60s};
  const auto account = open(limits);
  EXPECT_EQ(ask(*account, {1, 0, 3'000, 0}), "granted");
  EXPECT_EQ(ask(*account, {1, 0, 1, 0}), "output_tokens, for 24.01s");
  account->leave();
  EXPECT_EQ(ask(*account, {1, 0, 3'000, 0}), "output_tokens, for 30s");
}

TEST_F(AnAccount, gives_back_what_was_reserved_too_much) {
  Limits limits;
  limits.input_tokens = Rate{60'000, 60s};
  const auto account = open(limits);
  EXPECT_EQ(ask(*account, {1, 6'000, 0, 0}), "granted");
  account->settle(last, {1, 1'000, 0, 0}, time);
  EXPECT_EQ(ask(*account, {1, 5'000, 0, 0}), "granted");
  EXPECT_EQ(ask(*account, {1, 1'000, 0, 0}), "input_tokens, for 1s");
}

TEST_F(AnAccount, takes_what_was_reserved_too_little) {
  Limits limits;
  limits.input_tokens = Rate{60'000, 60s};
  const auto account = open(limits);
  EXPECT_EQ(ask(*account, {1, 1'000, 0, 0}), "granted");
  account->settle(last, {1, 9'000, 0, 0}, time);
  EXPECT_EQ(ask(*account, {1, 1'000, 0, 0}), "input_tokens, for 4s");
}

TEST_F(AnAccount, gives_nothing_back_that_a_full_bucket_would_have_spilt) {
  Limits limits;
  limits.input_tokens = Rate{60'000, 60s};
  const auto account = open(limits);
  ASSERT_EQ(ask(*account, {1, 6'000, 0, 0}), "granted");
  const Grant first = last;
  time += 6s;  // by now the bucket would be full with or without it
  ASSERT_EQ(ask(*account, {1, 6'000, 0, 0}), "granted");
  account->settle(first, {1, 0, 0, 0}, time);
  EXPECT_EQ(ask(*account, {1, 1'000, 0, 0}), "input_tokens, for 1s");
}

TEST_F(AnAccount, counts_who_is_in_flight) {
  const auto account = open(at_a_time(2));
  ASSERT_EQ(ask(*account), "granted");
  ASSERT_EQ(ask(*account), "granted");
  EXPECT_EQ(ask(*account), "concurrency, until something changes");
  EXPECT_EQ(account->snapshot(time).in_flight, 2);
  account->settle(last, last.reserved, time);
  EXPECT_EQ(ask(*account), "granted");
}

TEST_F(AnAccount, lets_no_one_overtake_who_waits) {
  const auto big = open(per_minute(60));
  const auto small = open(per_minute(60));
  ASSERT_EQ(ask(*big, {6, 0, 0, 0}), "granted");
  EXPECT_EQ(ask(*big, {6, 0, 0, 0}), "requests, for 6s");
  time += 5s;
  EXPECT_EQ(ask(*small), "line, until something changes");
  EXPECT_FALSE(is_told(*small));
  time += 1s;
  EXPECT_EQ(ask(*big, {6, 0, 0, 0}), "granted");
  EXPECT_TRUE(is_told(*small));
  small->take_changes();
  EXPECT_FALSE(is_told(*small));
  EXPECT_EQ(ask(*small), "requests, for 1s");
}

TEST_F(AnAccount, is_left_to_the_next_when_the_first_gives_up) {
  const auto first = open(per_minute(60));
  const auto second = open(per_minute(60));
  ASSERT_EQ(ask(*first, {6, 0, 0, 0}), "granted");
  ASSERT_EQ(ask(*first), "requests, for 1s");
  ASSERT_EQ(ask(*second), "line, until something changes");
  first->leave();
  EXPECT_TRUE(is_told(*second));
  EXPECT_EQ(ask(*second), "requests, for 1s");
}

TEST_F(AnAccount, tells_who_waits_when_a_lease_is_freed) {
  const auto one = open(at_a_time(1));
  const auto other = open(at_a_time(1));
  ASSERT_EQ(ask(*one), "granted");
  ASSERT_EQ(ask(*other), "concurrency, until something changes");
  one->settle(last, last.reserved, time);
  EXPECT_TRUE(is_told(*other));
  EXPECT_EQ(ask(*other), "granted");
}

TEST_F(AnAccount, waits_for_the_floor) {
  const auto account = open({});
  account->refused(7s, time);
  EXPECT_EQ(ask(*account), "floor, for 7s");
  account->refused(2s, time);  // never lowered
  EXPECT_EQ(ask(*account), "floor, for 7s");
  time += 7s;
  EXPECT_EQ(ask(*account), "granted");
}

TEST_F(AnAccount, says_when_the_quota_is_spent) {
  const auto account = open({});
  account->spent(time + 30s);
  EXPECT_EQ(ask(*account), "spent, for 30s");
  account->spent({});
  EXPECT_EQ(ask(*account), "spent, until something changes");
  EXPECT_TRUE(account->snapshot(time).spent);
  account->forget_spent();
  EXPECT_TRUE(is_told(*account));
  EXPECT_EQ(ask(*account), "granted");
}

TEST_F(AnAccount, learns_limits_from_headers) {
  const auto account = open({});
  metering::LimitNews news;
  news.requests = {.limit = 60, .remaining = 60};
  account->learn(news, time);
  EXPECT_EQ(account->snapshot(time).requests.limit, (Rate{60, 60s}));
  EXPECT_TRUE(account->snapshot(time).requests.learned);
  news.requests = {.limit = 60, .remaining = 2};
  account->learn(news, time);
  EXPECT_EQ(ask(*account), "granted");
  EXPECT_EQ(ask(*account), "granted");
  EXPECT_EQ(ask(*account), "requests, for 1s");
}

TEST_F(AnAccount, holds_a_lower_limit_that_is_learned_and_a_lower_that_is_declared) {
  const auto account = open(per_minute(60));
  metering::LimitNews news;
  news.requests = {.limit = 600};
  account->learn(news, time);
  EXPECT_EQ(account->snapshot(time).requests.limit, (Rate{60, 60s}));
  EXPECT_FALSE(account->snapshot(time).requests.learned);
  news.requests = {.limit = 30};
  account->learn(news, time);
  EXPECT_EQ(account->snapshot(time).requests.limit, (Rate{30, 60s}));
}

TEST_F(AnAccount, counts_input_and_output_together_where_the_provider_does) {
  const auto account = open({});
  metering::LimitNews news;
  news.tokens = {.limit = 60'000, .remaining = 60'000};
  account->learn(news, time);
  EXPECT_EQ(ask(*account, {1, 4'000, 2'000, 0}), "granted");
  EXPECT_EQ(ask(*account, {1, 500, 500, 0}), "tokens, for 1s");
}

TEST_F(AnAccount, cuts_the_belt_once_for_a_burst_of_refusals_and_loosens_it) {
  const auto account = open(at_a_time(10));
  std::vector<Grant> grants;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(ask(*account), "granted");
    grants.push_back(last);
  }
  for (int i = 0; i < 5; ++i) account->refused({}, time);
  EXPECT_EQ(account->snapshot(time).concurrency, 8);
  time += 6s;
  account->refused({}, time);
  EXPECT_EQ(account->snapshot(time).concurrency, 6);
  for (int i = 0; i < 12; ++i) account->went_well(time);  // 6.4 and twelve twentieths: 7.0
  EXPECT_EQ(account->snapshot(time).concurrency, 7);
  for (const Grant& grant : grants) account->settle(grant, grant.reserved, time);
  for (int i = 0; i < 100; ++i) account->went_well(time);  // not in use
  EXPECT_EQ(account->snapshot(time).concurrency, 7);
}

TEST_F(AnAccount, never_allows_less_than_one_at_a_time) {
  const auto account = open({});
  ASSERT_EQ(ask(*account), "granted");
  for (int i = 0; i < 20; ++i) account->refused({}, time += 10s);
  EXPECT_EQ(account->snapshot(time).concurrency, 1);
}

TEST_F(AnAccount, holds_the_strictest_of_those_who_have_it_open) {
  const auto lax = open(per_minute(600));
  {
    const auto strict = open(per_minute(60));
    EXPECT_EQ(lax->snapshot(time).requests.limit, (Rate{60, 60s}));
  }
  EXPECT_EQ(lax->snapshot(time).requests.limit, (Rate{600, 60s}));
}

TEST_F(AnAccount, learns_tokens_per_byte_for_each_model) {
  const auto account = open({});
  EXPECT_EQ(account->tokens_per_byte("m", 0.3), 0.3);
  for (int i = 0; i < 200; ++i) account->learn_ratio("m", 1000, i % 2 == 0 ? 240 : 260);
  const double estimate = account->tokens_per_byte("m", 0.3);
  EXPECT_GT(estimate, 0.255);
  EXPECT_LT(estimate, 0.27);
  EXPECT_EQ(account->tokens_per_byte("other", 0.3), 0.3);
  for (int i = 0; i < 200; ++i) account->learn_ratio(fmt::format("model {}", i), 100, 50);
  EXPECT_NEAR(account->tokens_per_byte("model 199", 0.3), 0.5, 0.05);
}

TEST_F(AnAccount, keeps_its_times_when_it_is_opened_again) {
  auto account = open(per_minute(60));
  ASSERT_EQ(ask(*account, {6, 0, 0, 0}), "granted");
  account.reset();
  account = open(per_minute(60));
  EXPECT_EQ(ask(*account), "requests, for 1s");
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(AnAccount, that_is_new_begins_as_the_providers_does) {
  const auto account = Account::open(folder.at("new"), per_minute(60));
  ASSERT_TRUE(account);
  EXPECT_EQ((*account)->snapshot(quota::now()).requests.free, 1);
  struct stat about{};
  ASSERT_EQ(::stat(folder.at("new").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(AnAccount, whose_file_was_lost_begins_empty) {
  {
    const auto account = Account::open(folder.at("a"), per_minute(60));
  }
  ASSERT_EQ(::unlink(folder.at("a").c_str()), 0);
  const auto account = Account::open(folder.at("a"), per_minute(60));
  ASSERT_TRUE(account);
  EXPECT_LT((*account)->snapshot(quota::now()).requests.free, 0.5)
      << "somebody may just have used it";
}

/// What is to be seen of a file that was `changed` while nobody had it open.
template <typename Change>
double free_after(const TempFolder& folder, Change change) {
  {
    const auto account = Account::open(folder.at("a"), per_minute(60));
  }
  std::string bytes = read_file(folder.at("a"));
  Layout layout;
  EXPECT_EQ(bytes.size(), sizeof layout);
  std::memcpy(&layout, bytes.data(), sizeof layout);
  layout.arrival.fill(0);  // full
  change(layout);
  std::ofstream(folder.at("a"), std::ios::binary)
      .write(reinterpret_cast<const char*>(&layout), sizeof layout);
  const auto account = Account::open(folder.at("a"), per_minute(60));
  EXPECT_TRUE(account) << account.error().message;
  return (*account)->snapshot(quota::now()).requests.free;
}

TEST_F(AnAccount, begins_anew_after_a_boot_and_with_a_file_of_another_kind) {
  EXPECT_EQ(free_after(folder, [](Layout&) {}), 1);
  EXPECT_LT(free_after(folder, [](Layout& layout) { layout.boot[0] ^= 1; }), 0.5);
  EXPECT_LT(free_after(folder, [](Layout& layout) { layout.magic = 7; }), 0.5);
  EXPECT_LT(free_after(folder, [](Layout& layout) { layout.version = 99; }), 0.5);
  EXPECT_LT(free_after(folder, [](Layout& layout) { layout.arrival[2] = kNever; }), 0.5);
}

TEST_F(AnAccount, begins_anew_with_a_file_that_is_too_short) {
  for (const std::string& content : {std::string(), std::string("hello"), std::string(4096, 'x')}) {
    std::ofstream(folder.at("torn"), std::ios::trunc) << content;
    const auto account = Account::open(folder.at("torn"), per_minute(60));
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_LT((*account)->snapshot(quota::now()).requests.free, 0.5);
  }
}

TEST_F(AnAccount, says_why_it_cannot_be_opened) {
  const auto missing = Account::open(folder.at("no/such/folder"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, fmt::format("cannot make the bell of the quota file `{}`: "
                                                 "No such file or directory",
                                                 folder.at("no/such/folder")));
  ASSERT_EQ(::chmod(folder.root().c_str(), 0555), 0);
  // No folder is read-only for root.
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto read_only = Account::open(folder.at("a"), {});
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ::chmod(folder.root().c_str(), 0700);
  ASSERT_FALSE(read_only);
  EXPECT_NE(read_only.error().message.find("Permission denied"), std::string::npos);
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

TEST_F(AnAccount, can_be_looked_at_without_being_made_or_changed) {
  const Limits limits = per_minute(60);
  const std::string file = folder.at("a");
  EXPECT_EQ(backlog_of(file, limits, quota::now()), Backlog{}) << "nobody ever had it";
  EXPECT_TRUE(files_in(folder.root()).empty());
  {
    const auto account = Account::open(file, limits);
    ASSERT_TRUE(account);
    for (int i = 0; i < 3; ++i) (*account)->ask({.requests = 1}, quota::now());
  }
  const std::string before = read_file(file);
  const Moment now = quota::now();
  const Backlog used = backlog_of(file, limits, now);
  EXPECT_GT(used.requests, std::chrono::seconds(1));
  EXPECT_LE(used.requests, std::chrono::seconds(3));
  EXPECT_EQ(backlog_of(file, limits, now + std::chrono::seconds(5)).requests, Duration{});
  EXPECT_EQ(read_file(file), before);
  ASSERT_EQ(::unlink(file.c_str()), 0);
  EXPECT_EQ(backlog_of(file, limits, now).requests, limits.burst) << "its bell is still there";
}

TEST_F(AnAccount, has_room_for_so_many_and_no_more) {
  std::vector<std::unique_ptr<Account>> accounts;
  for (std::size_t i = 0; i < 100; ++i) accounts.push_back(open({}));
  Layout layout;
  const std::string bytes = read_file(folder.at("account"));
  std::memcpy(&layout, bytes.data(), sizeof layout);
  EXPECT_EQ(layout.slot_top, 100);
}

TEST_F(AnAccount, GoesOnAloneWhenSomebodyCutsOrOverwritesItsFile) {
  const auto spoil = [this](int how) {
    const std::string place = folder.at("account");
    const off_t sizes[] = {0, 100, 8192};
    if (how < 3) {
      ASSERT_EQ(::truncate(place.c_str(), sizes[how]), 0);
    }
    if (how == 3) {
      std::fstream file(place, std::ios::in | std::ios::out | std::ios::binary);
      file << std::string(sizeof(Layout), '\xff');
    }
    if (how == 4) {
      // The head stays, and the counts say more than there is.
      std::fstream file(place, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(offsetof(Layout, slot_top));
      file << std::string(16, '\x7f');
    }
  };
  for (int how = 0; how <= 4; ++how) {
    time = {};
    const auto account = open(at_a_time(1));
    EXPECT_EQ(ask(*account), "granted") << how;
    account->settle(last, {}, time);
    spoil(how);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ask(*account), "granted") << how;
      EXPECT_NE(ask(*account), "granted") << "its limit still holds, spoilt " << how;
      account->settle(last, {}, time);
      (void)account->snapshot(time);
    }
  }
}

TEST_F(AnAccount, SaysWhatStandsInThePlaceOfItsFile) {
  ASSERT_EQ(::mkdir(folder.at("account").c_str(), 0700), 0);
  const auto in_a_folder = Account::open(folder.at("account"), per_minute(1));
  ASSERT_FALSE(in_a_folder);
  EXPECT_NE(in_a_folder.error().message.find("there is a folder in its place"), std::string::npos);
  ASSERT_EQ(::symlink("elsewhere", folder.at("other").c_str()), 0);
  const auto in_a_link = Account::open(folder.at("other"), per_minute(1));
  ASSERT_FALSE(in_a_link);
  EXPECT_NE(in_a_link.error().message.find("there is a link in its place"), std::string::npos);
}

}  // namespace
}  // namespace interlock::quota
