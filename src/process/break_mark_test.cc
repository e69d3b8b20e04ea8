#include "process/break_mark.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

namespace interlock::process {
namespace {

/// Whether a child that did this under a mark left word.
bool leaves_word(const std::function<void()>& end) {
  std::string folder = (std::filesystem::temp_directory_path() / "mark-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return false;
  const std::string file = folder + "/broke_off";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::close(STDERR_FILENO);
    const auto mark = BreakMark::arm(file);
    if (mark) end();
    ::_exit(mark ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool left = BreakMark::take(file);
  EXPECT_FALSE(BreakMark::take(file)) << "word is taken once";
  std::filesystem::remove_all(folder);
  return left;
}

TEST(BreakMark, WordIsLeftByWhoBreaksOffAndByNobodyElse) {
  EXPECT_TRUE(leaves_word([] { std::abort(); }));
  EXPECT_TRUE(leaves_word([] { ::raise(SIGBUS); }));
  EXPECT_FALSE(leaves_word([] { ::raise(SIGKILL); }));
  EXPECT_FALSE(leaves_word([] { ::raise(SIGTERM); }));
  EXPECT_FALSE(leaves_word([] {}));
}

}  // namespace
}  // namespace interlock::process
