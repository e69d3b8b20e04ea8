// Many processes upon one file, some of which die.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "quota/account.h"
#include "quota/fixture_folder.h"

namespace interlock::quota {
namespace {

using namespace std::chrono_literals;

/// What the processes share besides the file: a time that only moves when told, and counts.
struct Shared {
  std::atomic<std::int64_t> time{};
  std::atomic<std::int64_t> requests{};
  std::atomic<std::int64_t> tokens{};
  std::atomic<std::int64_t> asked{};
  std::atomic<bool> over{};
};

class Processes : public testing::Test {
 protected:
  Processes() {
    void* const place =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = new (place) Shared;
    start = (now() + 1h).count();
    shared->time = start;
    limits.requests = Rate{6'000, 60s};
    limits.input_tokens = Rate{600'000, 60s};
  }
  ~Processes() override {
    for (const pid_t pid : children) end(pid);
    ::munmap(shared, sizeof(Shared));
  }
  /// A child that does `work` and ends with what it says.
  pid_t start_child(const std::function<int()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(work());
    }
    children.push_back(pid);
    return pid;
  }
  void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  void kill_child(std::size_t index) {
    end(children[index]);
    children.erase(children.begin() + static_cast<std::ptrdiff_t>(index));
  }
  /// Asks and settles until all is over; counts what was really sent.
  int work_on(unsigned seed) const {
    std::mt19937 random(seed);
    const auto account = Account::open(folder.at("a"), limits);
    if (!account) return 1;
    while (!shared->over) {
      const Moment time(shared->time.load());
      const Tokens tokens = 1 + static_cast<Tokens>(random() % 200);
      const auto answer = (*account)->ask({1, tokens * 3 / 2, 0, 0}, time);
      if (const auto* grant = std::get_if<Grant>(&answer)) {
        shared->requests.fetch_add(1);
        shared->tokens.fetch_add(tokens);
        (*account)->settle(*grant, {1, tokens, 0, 0}, time);
      } else {
        shared->time.fetch_add(100'000);
        ::sched_yield();
      }
      shared->asked.fetch_add(1);
    }
    return 0;
  }
  /// What a rate and its burst allow from the start until now. In whole numbers: what is used is
  /// often exactly that.
  std::int64_t allowed(const Rate& rate) const {
    const std::int64_t until_now = shared->time.load() - start + 6'000'000'000;
    return rate.amount * (until_now / 1'000) / rate.per.count();
  }
  void wait_for_asks(std::int64_t more) const {
    const std::int64_t until = shared->asked.load() + more;
    while (shared->asked.load() < until) ::sched_yield();
  }
  bool becomes_reported(Account& account) {
    pollfd one{account.changed(), POLLIN, 0};
    return ::poll(&one, 1, 30'000) > 0;
  }

  TempFolder folder;
  Limits limits;
  Shared* shared = nullptr;
  std::int64_t start = 0;
  std::vector<pid_t> children;
};

TEST_F(Processes, eight_of_them_never_pass_the_limit_together) {
  for (unsigned i = 0; i < 8; ++i) start_child([&, i] { return work_on(i + 1); });
  while (shared->time.load() < start + 60'000'000'000 && shared->requests.load() < 20'000)
    ::sched_yield();
  shared->over = true;
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  children.clear();
  EXPECT_LE(shared->requests.load(), allowed(*limits.requests));
  EXPECT_LE(shared->tokens.load(), allowed(*limits.input_tokens));
  EXPECT_GT(shared->requests.load(), allowed(*limits.requests) / 2);
}

TEST_F(Processes, that_die_at_any_moment_never_let_more_through) {
  std::mt19937 random(7);
  for (unsigned i = 0; i < 3; ++i) start_child([&, i] { return work_on(i + 1); });
  for (unsigned death = 0; death < 60; ++death) {
    wait_for_asks(static_cast<std::int64_t>(random() % 200));
    kill_child(random() % children.size());
    start_child([&, death] { return work_on(100 + death); });
    ASSERT_LE(shared->requests.load(), allowed(*limits.requests)) << death;
    ASSERT_LE(shared->tokens.load(), allowed(*limits.input_tokens)) << death;
  }
  wait_for_asks(100);
  while (!children.empty()) kill_child(0);
  // Whatever they left behind heals with time: a newcomer is let in, and has the whole account.
  const auto account = *Account::open(folder.at("a"), limits);
  const Moment later = Moment(shared->time.load()) + 30s;
  EXPECT_TRUE(std::holds_alternative<Grant>(account->ask({1, 100, 0, 0}, later)));
  EXPECT_EQ(account->snapshot(later).in_line, 0U);
  EXPECT_GT(account->snapshot(later).requests.free, 0.99);
}

TEST_F(Processes, learn_that_the_first_in_line_has_died) {
  const auto account = *Account::open(folder.at("a"), limits);
  const Moment time(start);
  ASSERT_TRUE(std::holds_alternative<Grant>(account->ask({600, 0, 0, 0}, time)));
  start_child([&] {
    const auto mine = *Account::open(folder.at("a"), limits);
    const auto answer = mine->ask({600, 0, 0, 0}, time);
    shared->asked = std::holds_alternative<Denial>(answer) ? 1 : 2;
    while (true) ::pause();
    return 0;
  });
  wait_for_asks(1 - shared->asked.load());
  ASSERT_EQ(shared->asked, 1);
  const Moment later = time + 1s;
  auto answer = account->ask({}, later);
  ASSERT_TRUE(std::holds_alternative<Denial>(answer));
  EXPECT_EQ(std::get<Denial>(answer).what, Shortage::line);
  account->take_changes();
  kill_child(0);
  EXPECT_TRUE(becomes_reported(*account));
  account->take_changes();
  EXPECT_TRUE(std::holds_alternative<Grant>(account->ask({}, later)));
}

TEST_F(Processes, pass_over_one_that_is_suspended_and_does_not_come) {
  const auto account = *Account::open(folder.at("a"), limits);
  const Moment time(start);
  ASSERT_TRUE(std::holds_alternative<Grant>(account->ask({600, 0, 0, 0}, time)));
  const pid_t child = start_child([&] {
    const auto mine = *Account::open(folder.at("a"), limits);
    const auto answer = mine->ask({100, 0, 0, 0}, time);
    shared->asked = std::holds_alternative<Denial>(answer) ? 1 : 2;
    ::raise(SIGSTOP);
    return 0;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  ASSERT_EQ(shared->asked, 1);
  // It is due in a second, and until then it has its place.
  const auto early = account->ask({}, time + 500ms);
  ASSERT_TRUE(std::holds_alternative<Denial>(early));
  EXPECT_EQ(std::get<Denial>(early).what, Shortage::line);
  EXPECT_EQ(std::get<Denial>(early).until, time + 2s);
  EXPECT_TRUE(std::holds_alternative<Grant>(account->ask({}, time + 2s)));
}

TEST_F(Processes, take_back_the_lease_of_one_that_has_died) {
  limits.concurrency = 1;
  const auto account = *Account::open(folder.at("a"), limits);
  const Moment time(start);
  start_child([&] {
    const auto mine = *Account::open(folder.at("a"), limits);
    const auto answer = mine->ask({}, time);
    shared->asked = std::holds_alternative<Grant>(answer) ? 1 : 2;
    while (true) ::pause();
    return 0;
  });
  wait_for_asks(1 - shared->asked.load());
  ASSERT_EQ(shared->asked, 1);
  const auto answer = account->ask({}, time);
  ASSERT_TRUE(std::holds_alternative<Denial>(answer));
  EXPECT_EQ(std::get<Denial>(answer).what, Shortage::concurrency);
  kill_child(0);
  EXPECT_TRUE(becomes_reported(*account));
  account->take_changes();
  EXPECT_TRUE(std::holds_alternative<Grant>(account->ask({}, time)));
}

}  // namespace
}  // namespace interlock::quota
