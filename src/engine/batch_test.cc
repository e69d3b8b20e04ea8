#include "engine/batch.h"

#include <gmock/gmock.h>

#include <numeric>

namespace interlock::engine {
namespace {

using Form = plan::OutputSpec::Form;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

plan::Task task_of(Form form, std::optional<std::string> schema = {}) {
  plan::Task task;
  task.output.form = form;
  task.output.schema = std::move(schema);
  return task;
}

TEST(Batch, an_answer_comes_apart_as_each_task_would_have_answered) {
  const plan::Task prose = task_of(Form::text), data = task_of(Form::json);
  const auto parts = take_batch_apart({&prose, &data, &prose, &prose},
                                      R"({"2": {"n": 1}, "1": "One.\n", "3": 7})");
  ASSERT_TRUE(parts);
  EXPECT_THAT(*parts, ElementsAre("One.\n", R"({"n":1})", std::nullopt, std::nullopt))
      << "a number is not a prose, and the fourth is missing";
}

TEST(Batch, a_fence_around_the_answer_is_taken_off_and_what_is_no_object_is_refused) {
  const plan::Task prose = task_of(Form::text);
  const auto fenced = take_batch_apart({&prose}, "```json\n{\"1\": \"yes\"}\n```\n");
  ASSERT_TRUE(fenced);
  EXPECT_THAT(*fenced, ElementsAre("yes"));
  EXPECT_FALSE(take_batch_apart({&prose}, "I would rather not."));
  const auto list = take_batch_apart({&prose}, R"(["yes"])");
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().message, HasSubstr("not an object"));
}

TEST(Batch, its_schema_has_each_tasks_own_under_its_number) {
  const plan::Task prose = task_of(Form::text);
  const plan::Task data = task_of(Form::json, R"({"$schema": "x", "type": "integer"})");
  EXPECT_EQ(batch_schema({&prose, &data}),
            R"({"type":"object","properties":{"1":{"type":"string"},"2":{"type":"integer"}},)"
            R"("required":["1","2"],"additionalProperties":false})");
}

TEST(Batch, even_parts_add_up_to_the_whole_and_leave_unknown_what_is) {
  const Usage whole{100, 11, std::nullopt, 0, 7};
  const std::vector<Usage> parts = even_parts(whole, 3);
  Usage sum = parts[0] + parts[1] + parts[2];
  EXPECT_EQ(sum, whole);
  EXPECT_EQ(parts[0].input, 34);
  EXPECT_EQ(parts[2].input, 33);
  const std::vector<Duration> times = even_parts(Duration(10), 4);
  EXPECT_EQ(std::accumulate(times.begin(), times.end(), Duration{}), Duration(10));
}

}  // namespace
}  // namespace interlock::engine
