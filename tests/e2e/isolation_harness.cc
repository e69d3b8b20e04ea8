#include "e2e/isolation_harness.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace interlock::e2e {

namespace fs = std::filesystem;

void Isolated::need(const std::string& isolation) {
  const boost::json::value doctor = json_of({"doctor"});
  for (const auto& level : doctor.at("isolation").as_array()) {
    if (at(level, "/isolation") != isolation || at(level, "/possible") == "true") continue;
    GTEST_SKIP() << "no `" << isolation << "` here: " << at(level, "/why");
  }
}

void Isolated::make_repository() {
  shell("git init -q -b main . && git config user.name P && git config user.email p@example.org");
  write("base", "base\n");
  shell("git add base && git commit -qm first");
}

void Isolated::write_plan_of_four(const std::string& verify) {
  write_plan("defaults: {isolation: view}\n" + (verify.empty() ? verify : "verify: " + verify) + R"(
tasks:
  - {id: a, run: "echo a >a", reads: [], writes: [a]}
  - {id: bad, run: "echo bad >bad", reads: [], writes: [bad]}
  - {id: upon, run: "cat bad >upon", reads: [bad], writes: [upon], needs: [bad]}
  - {id: d, run: "echo d >d", reads: [], writes: [d]}
)");
}

void Isolated::expect_nothing_left() {
  EXPECT_THAT(left_running(), ::testing::IsEmpty());
  std::ifstream mounts("/proc/self/mountinfo");
  const std::string text{std::istreambuf_iterator<char>(mounts), {}};
  EXPECT_EQ(text.find(folder()), std::string::npos) << "a mount is left";
  std::vector<std::string> left;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder(), fs::directory_options::skip_permission_denied)) {
    const std::string name = entry.path().filename().string();
    const bool open_snapshot = name == "upper" || name == "work";
    const bool temporary = name.starts_with(".interlock-");
    if ((open_snapshot && entry.path().string().find("/views/") != std::string::npos) ||
        temporary || name == "attempts")
      left.push_back(entry.path().string());
  }
  EXPECT_THAT(left, ::testing::IsEmpty());
}

}  // namespace interlock::e2e
