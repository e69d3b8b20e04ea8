#include "engine/attendance.h"

#include <gtest/gtest.h>

namespace interlock::engine {
namespace {

Attendance some() {
  Attendance all;
  all.folder = "/a";
  all.setup = {"sh", "-c", "make \"x\""};
  all.work = {"run", "", "a:b\n\xff", "3:x"};
  all.services = {{"db", {"postgres", "-p", "1"}, {"ready"}, 21019, std::chrono::seconds(3)},
                  {"cache", {"redis"}, {}, 21018, std::chrono::milliseconds(1)}};
  return all;
}

TEST(Attendance, is_read_as_it_was_written) {
  const auto read = read_attendance(text_of(some()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(text_of(*read), text_of(some()));
  EXPECT_EQ(read->work, some().work);
  ASSERT_EQ(read->services.size(), 2u);
  EXPECT_EQ(read->services[0].port, 21019);
  EXPECT_EQ(read->services[1].name, "cache");
  EXPECT_EQ(read->services[1].ready_within, std::chrono::milliseconds(1));
}

TEST(Attendance, no_part_of_a_text_is_taken_for_the_whole) {
  const std::string whole = text_of(some());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_attendance(std::string_view(whole).substr(0, size)).has_value()) << size;
  EXPECT_FALSE(read_attendance(whole + "0:").has_value());
  EXPECT_FALSE(read_attendance("99999999999999999999:x").has_value());
  EXPECT_FALSE(read_attendance("1:a1:01:01:18446744073709551615:").has_value());
}

}  // namespace
}  // namespace interlock::engine
