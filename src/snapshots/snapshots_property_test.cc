#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <random>

#include "snapshots/fixture.h"

namespace interlock::snapshots {
namespace {

constexpr unsigned kSeeds = 8;
constexpr int kAttempts = 5;

/// Scripts that make, change, move, link and delete over and over at the same few paths.
class Script {
 public:
  explicit Script(unsigned seed) : dice_(seed) {}

  std::string draw() {
    std::string script;
    const int acts = number(3, 9);
    for (int i = 0; i < acts; ++i) script += fmt::format("{{ {}; }} 2>/dev/null || :\n", act());
    return script;
  }
  int number(int least, int most) { return std::uniform_int_distribution<int>(least, most)(dice_); }

 private:
  std::string path() {
    std::string path(1, static_cast<char>('a' + number(0, 2)));
    for (int depth = number(0, 2); depth > 0; --depth)
      path.append("/").append(1, static_cast<char>('a' + number(0, 2)));
    return path;
  }

  std::string act() {
    const std::string at = path();
    switch (number(0, 8)) {
      case 0: return fmt::format("mkdir -p {}", at);
      case 1: return fmt::format("rm -rf {0} && mkdir {0}", at);
      case 2: return fmt::format("rm -rf {}", at);
      case 3: return fmt::format("rm -rf {0} && ln -s {1} {0}", at, path());
      case 4: return fmt::format("mv -T {} {}", at, path());
      case 5: return fmt::format("chmod 7{}{} {}", number(0, 7), number(0, 7), at);
      case 6: return fmt::format("cp -r {} {}", at, path());
      default:
        return fmt::format("mkdir -p $(dirname {0}) && printf {1} >> {0}", at, number(0, 99));
    }
  }

  std::mt19937 dice_;
};

class ViewsProperty : public AsEither {};
INTERLOCK_AS_EITHER(ViewsProperty);

TEST_P(ViewsProperty, AnyRunOfAttemptsEndsAsInOnePlainFolder) {
  live([] {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
    for (unsigned seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
      Scene scene;
      workspace::TempTree plain;
      Script script(seed);
      std::string reported_all;
      for (int i = 0; i < kAttempts; ++i) {
        const std::string text = script.draw();
        reported_all += fmt::format("--- {}\n{}", i, text);
        scene.attempt(attempt_of(static_cast<std::size_t>(i)), text);
        ASSERT_TRUE(sh(plain.root(), text));
        scene.commit(attempt_of(static_cast<std::size_t>(i)));
        // What a union read without a mount shows is what is there, folded or not.
        const workspace::Stack stack(scene.tree.root(), scene.snapshots().unfolded());
        EXPECT_EQ(stack.below(""), workspace::Stack(plain.root(), {}).below(""));
        if (script.number(0, 2) != 0) continue;
        EXPECT_EQ(scene.checkpoint(), "");
        EXPECT_EQ(listing(scene.tree.root()), listing(plain.root()));
      }
      EXPECT_EQ(scene.checkpoint(), "");
      EXPECT_EQ(listing(scene.tree.root()), listing(plain.root())) << "seed " << seed << "\n"
                                                                   << reported_all;
      sh(plain.root(), "chmod -R u+rwX .");
    }
  });
}

}  // namespace
}  // namespace interlock::snapshots
