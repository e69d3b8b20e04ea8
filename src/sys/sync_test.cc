#include "sys/sync.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "sys/asked_to_end.h"
#include "sys/descriptor.h"
#include "sys/signal_waits.h"

namespace interlock::sys {
namespace {

using namespace std::chrono_literals;

TEST(AskedToEnd, by_a_signal_that_waits) {
  EXPECT_FALSE(is_asked_to_end());
  {
    const SignalWaits waits;
    EXPECT_TRUE(is_asked_to_end());
  }
  EXPECT_FALSE(is_asked_to_end());
}

TEST(AskedToEnd, by_one_that_was_heard_when_its_time_is_over) {
  end_within(1h);
  EXPECT_FALSE(is_asked_to_end());
  end_within(0ns);
  EXPECT_TRUE(is_asked_to_end());
  begin_unasked();
  EXPECT_FALSE(is_asked_to_end());
}

class Sync : public testing::Test {
 protected:
  Sync() { std::filesystem::create_directories(folder_); }
  ~Sync() override { std::filesystem::remove_all(folder_); }

  std::string file_of(std::size_t bytes) const {
    std::ofstream(folder_ / "file") << std::string(bytes, 'x');
    return (folder_ / "file").string();
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("interlock-sync-" + std::to_string(::getpid()));
};

TEST_F(Sync, small_and_large_files_and_the_whole_file_system) {
  EXPECT_EQ(sync_files({file_of(10), folder_.string()}), 0);
  EXPECT_EQ(sync_files({file_of(9 << 20), folder_.string()}), 0);
  const Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(sync_file_system(folder.get()), 0);
}

TEST_F(Sync, says_what_went_wrong_in_this_process_and_in_a_child) {
  EXPECT_EQ(sync_files({(folder_ / "none").string()}), ENOENT);
  EXPECT_EQ(sync_files({file_of(9 << 20), (folder_ / "none").string()}), ENOENT);
  EXPECT_EQ(sync_file_system(-1), EBADF);
}

}  // namespace
}  // namespace interlock::sys
