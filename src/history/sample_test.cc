#include "history/sample.h"

#include <gtest/gtest.h>

#include <chrono>

namespace interlock::history {
namespace {

Sample busy() {
  Sample it;
  it.at = Time(std::chrono::hours(500'000));
  it.task = it.shape = "a";
  it.agent = "sh";
  it.outcome = "succeeded";
  it.elapsed = std::chrono::seconds(10);
  it.join = std::chrono::seconds(90);
  it.joined = 3;
  it.cpu_time = std::chrono::seconds(35);
  it.memory_peak_bytes = std::int64_t{5} << 30;
  return it;
}

TEST(Sample, OfWhatWasTakenOfTheMachineComesBackFromItsLine) {
  const auto read = sample_from_json(to_json(busy()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->cpu_time, busy().cpu_time) << "of four processors more than there was of time";
  EXPECT_EQ(read->memory_peak_bytes, busy().memory_peak_bytes);
  EXPECT_EQ(read->joined, 3);
  EXPECT_EQ(fault_of(*read), "");
}

TEST(Sample, ThatTookLessThanNothingCannotBe) {
  Sample time = busy(), memory = busy(), joined = busy();
  time.cpu_time = std::chrono::seconds(-1);
  memory.memory_peak_bytes = -1;
  joined.joined = -1;
  for (const Sample& it : {time, memory, joined}) {
    EXPECT_NE(fault_of(it), "");
    EXPECT_FALSE(sample_from_json(to_json(it)));
  }
}

}  // namespace
}  // namespace interlock::history
