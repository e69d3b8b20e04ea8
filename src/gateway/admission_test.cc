#include "gateway/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace interlock::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Remembers what it is told.
class Seeking final : public Admission::Seeker {
 public:
  void admitted(std::vector<Admission::Held> held) override {
    held_ = std::move(held);
    ++times_;
  }
  void turned_away(const QuotaOption& quota, bool is_spent) override {
    turned_away_by_ = quota.name + (is_spent ? " is spent" : " is late");
    ++times_;
  }
  void deferred(const QuotaOption& quota, std::optional<quota::Moment> until) override {
    deferred_by_ = quota.name;
    deferred_until_ = until;
  }
  std::vector<std::size_t> quotas() const {
    std::vector<std::size_t> quotas;
    for (const auto& held : held_) quotas.push_back(held.quota);
    return quotas;
  }

  std::vector<Admission::Held> held_;
  std::string turned_away_by_, deferred_by_;
  std::optional<quota::Moment> deferred_until_;
  int times_ = 0;
};

/// Three accounts, `a`, `b` and `c`, each for one call at a time.
class AdmissionTest : public testing::Test {
 protected:
  static constexpr std::size_t kA = 0;
  static constexpr std::size_t kB = 1;
  static constexpr std::size_t kC = 2;

  AdmissionTest() {
    std::string name = testing::TempDir() + "/admissionXXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::vector<QuotaOption> options;
    for (const char* quota : {"a", "b", "c"})
      options.push_back(
          {.name = quota, .file = folder_ + "/" + quota, .limits = {.concurrency = 1}});
    auto opened = Admission::open(loop_, options);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
    if (opened) admission_ = std::move(*opened);
  }
  ~AdmissionTest() override {
    admission_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::uint64_t join(Seeking& seeker, const std::vector<std::size_t>& quotas,
                     std::optional<quota::Moment> latest = {}) {
    std::vector<Admission::Want> wants;
    for (const std::size_t quota : quotas) wants.push_back({quota, quota::Cost()});
    const std::uint64_t ticket = admission_->draw_ticket();
    admission_->join(ticket, std::move(wants), latest, seeker);
    return ticket;
  }
  void give_back(Seeking& seeker) {
    for (const auto& held : std::exchange(seeker.held_, {}))
      admission_->settle(held, quota::Cost());
  }
  std::int64_t in_flight(std::size_t quota) {
    return admission_->account(quota).snapshot(quota::now()).in_flight;
  }

  std::string folder_;
  Loop loop_;
  std::unique_ptr<Admission> admission_;
};

TEST_F(AdmissionTest, a_call_that_needs_two_quotas_takes_both_or_none) {
  Seeking first;
  Seeking both;
  join(first, {kB});
  EXPECT_THAT(first.quotas(), ElementsAre(kB));
  join(both, {kA, kB});
  EXPECT_EQ(both.times_, 0);
  EXPECT_EQ(in_flight(kA), 0) << "what is free is not kept from others by who cannot use it";
  give_back(first);
  EXPECT_THAT(both.quotas(), ElementsAre(kA, kB));
  EXPECT_EQ(in_flight(kA), 1);
  EXPECT_EQ(in_flight(kB), 1);
  EXPECT_EQ(both.times_, 1);
}

TEST_F(AdmissionTest, who_came_first_is_first_in_every_line) {
  Seeking holder;
  Seeking both;
  Seeking later;
  Seeking elsewhere;
  join(holder, {kB});
  const std::uint64_t ticket = join(both, {kA, kB});
  join(later, {kA});
  join(elsewhere, {kC});
  EXPECT_EQ(later.times_, 0) << "else those that need two would starve";
  EXPECT_THAT(elsewhere.quotas(), ElementsAre(kC)) << "nobody is before it there";
  admission_->leave(ticket);
  EXPECT_THAT(later.quotas(), ElementsAre(kA));
  give_back(holder);
  EXPECT_EQ(both.times_, 0) << "who left is told nothing";
}

TEST_F(AdmissionTest, two_that_need_the_same_two_go_one_after_the_other) {
  Seeking one;
  Seeking other;
  join(one, {kA, kB});
  join(other, {kB, kA});
  EXPECT_THAT(one.quotas(), ElementsAre(kA, kB));
  EXPECT_EQ(other.times_, 0);
  give_back(one);
  EXPECT_THAT(other.quotas(), ElementsAre(kB, kA));
}

TEST_F(AdmissionTest, one_spent_quota_turns_away_whoever_needs_it) {
  Seeking holder;
  Seeking both;
  Seeking only_a;
  join(holder, {kA});
  join(both, {kA, kB});
  join(only_a, {kA});
  admission_->spent(kB, {});
  give_back(holder);
  EXPECT_EQ(both.turned_away_by_, "b is spent");
  EXPECT_THAT(both.quotas(), IsEmpty());
  EXPECT_THAT(only_a.quotas(), ElementsAre(kA)) << "what it held of the other is given back";
}

TEST_F(AdmissionTest, who_cannot_be_admitted_in_time_is_turned_away_at_once) {
  admission_->account(kB).refused(std::chrono::hours(1), quota::now());
  Seeking late;
  Seeking patient;
  join(late, {kA, kB}, quota::now() + std::chrono::minutes(1));
  EXPECT_EQ(late.turned_away_by_, "b is late");
  EXPECT_EQ(in_flight(kA), 0);
  join(patient, {kB}, quota::now() + std::chrono::hours(2));
  EXPECT_EQ(patient.times_, 0);
}

TEST_F(AdmissionTest, who_is_first_in_line_is_told_until_when_it_waits) {
  const quota::Moment before = quota::now();
  admission_->account(kB).refused(std::chrono::minutes(5), before);
  Seeking first, second;
  join(first, {kA, kB});
  join(second, {kB});
  EXPECT_EQ(first.deferred_by_, "b");
  ASSERT_TRUE(first.deferred_until_);
  EXPECT_GE(*first.deferred_until_, before + std::chrono::minutes(5));
  EXPECT_EQ(second.deferred_by_, "") << "it depends on what the first one uses";
}

TEST_F(AdmissionTest, quotas_are_found_by_name) {
  EXPECT_EQ(admission_->find("c"), kC);
  EXPECT_EQ(admission_->find("d"), std::nullopt);
}

}  // namespace
}  // namespace interlock::gateway
