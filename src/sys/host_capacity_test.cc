#include "sys/host_capacity.h"

#include <gtest/gtest.h>

namespace interlock::sys {
namespace {

TEST(HostCapacity, ReadsWhatTheKernelSays) {
  EXPECT_EQ(available_memory("MemTotal:       24684092 kB\nMemAvailable:   23122904 kB\n"),
            23122904ll * 1024);
  EXPECT_EQ(available_memory("MemTotal: 7 kB\n"), std::nullopt);
  EXPECT_EQ(processor_limit("150000 100000\n"), 1.5);
  EXPECT_EQ(processor_limit("max 100000\n"), std::nullopt);
  EXPECT_EQ(processor_limit("100000 0\n"), std::nullopt);
  EXPECT_EQ(processor_limit(""), std::nullopt);
}

TEST(HostCapacity, OfALimitWhatIsLeftIsWithoutFilesThatCouldBeGivenUp) {
  EXPECT_EQ(memory_left("1000\n", "700\n", "anon 300\ninactive_file 200\n"), 500);
  EXPECT_EQ(memory_left("1000\n", "1400\n", ""), 0);
  EXPECT_EQ(memory_left("1000\n", "100\n", "inactive_file 900\n"), 1000);
  EXPECT_EQ(memory_left("max\n", "700\n", ""), std::nullopt);
  EXPECT_EQ(memory_left("", "", ""), std::nullopt);
}

TEST(HostCapacity, ThisHostHasSomeOfBoth) {
  const HostCapacity here = host_capacity();
  ASSERT_TRUE(here.processors && here.memory_bytes);
  EXPECT_GT(*here.processors, 0);
  EXPECT_GT(*here.memory_bytes, 1 << 20);
}

}  // namespace
}  // namespace interlock::sys
