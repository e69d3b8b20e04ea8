#include "engine/budgets.h"

#include <gtest/gtest.h>

#include "plan/plan.h"

namespace interlock::engine {
namespace {

/// Two tasks whose attempts ask a model.
class Books {
 public:
  Books() : run_(plan_of_two()), budgets_(run_) { then(RunBegan{}); }

  Books& then(Event event) {
    const RecordedEvent recorded{run_.seq + 1, Time{}, std::move(event)};
    engine::apply(run_, recorded);
    budgets_.apply(run_, recorded);
    EXPECT_EQ(budgets_.text(), Budgets(run_).text()) << "as another dispatcher finds it";
    return *this;
  }
  Books& started(std::size_t task) {
    AttemptStarted event;
    event.task = TaskId(task);
    return then(event);
  }
  Books& called(std::size_t task, Tokens input, MicroUsd cost) {
    ModelCalled event{TaskId(task), 1, {}};
    event.call.name = {TaskId(task), 1, 0};
    event.call.number = ++calls_;
    event.call.end = CallEnd::answered;
    event.call.usage.input = input;
    event.call.usage.cost = cost;
    return then(event);
  }
  const Budgets& budgets() const { return budgets_; }

 private:
  static plan::Plan plan_of_two() {
    plan::Plan plan;
    plan.tasks.resize(2);
    return plan;
  }
  RunState run_;
  Budgets budgets_;
  std::uint32_t calls_ = 0;
};

TEST(Budgets, AddUpWhatCallsTookAndSayWhatIsLeft) {
  Books books;
  books.started(0).called(0, 300, 20'000).called(0, 100, 0).started(1).called(1, 50, 0);
  EXPECT_EQ(books.budgets().text(),
            "450 tokens, $0.02 in all\n"
            "0 400 tokens, $0.02\n"
            "1 50 tokens, $0.00\n");
  engine::Setup limits;
  EXPECT_EQ(books.budgets().tokens_left(limits), std::nullopt);
  EXPECT_EQ(books.budgets().passed(limits), std::nullopt);
  limits.limit_tokens = 500;
  EXPECT_EQ(books.budgets().tokens_left(limits), 50);
  limits.limit_tokens = 400;
  EXPECT_EQ(books.budgets().tokens_left(limits), 0);
  EXPECT_EQ(books.budgets().passed(limits),
            "450 tokens are used, more than the 400 of `limits.tokens`");
}

TEST(Budgets, WhatASharedAttemptTookIsBookedToEachOnce) {
  Books books;
  books.started(0);
  AttemptStarted second;
  second.task = TaskId(1);
  second.with = TaskId(0);
  books.then(second).then(AttemptsBatched{TaskId(0), 1, {TaskId(1)}}).called(0, 100, 0);
  AttemptEnded part;
  part.task = TaskId(1);
  part.usage.input = 40;
  books.then(part);
  EXPECT_EQ(books.budgets().text(),
            "100 tokens, $0.00 in all\n"
            "0 60 tokens, $0.00\n"
            "1 40 tokens, $0.00\n");
}

}  // namespace
}  // namespace interlock::engine
