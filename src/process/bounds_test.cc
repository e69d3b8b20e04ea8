#include "process/bounds.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace interlock::process {
namespace {

footprint::Footprint footprint_of(const std::vector<std::string>& reads,
                                  const std::vector<std::string>& writes) {
  return {.reads = *footprint::PatternSet::parse(reads),
          .writes = *footprint::PatternSet::parse(writes)};
}

/// A line for each path: may it be read, changed, made as a folder.
std::string verdicts(const Bounds& bounds, const std::vector<std::string>& paths) {
  std::string lines;
  for (const std::string& path : paths) {
    const bool may_read = !bounds.is_held(path) || bounds.may_read(path, false);
    const bool may_list = !bounds.is_held(path) || bounds.may_read(path, true);
    lines += std::string(may_read ? "r" : "-") + (may_list ? "l" : "-") +
             (bounds.may_change(path, false) ? "w" : "-") +
             (bounds.may_change(path, true) ? "m" : "-") + " " + path + "\n";
  }
  return lines;
}

TEST(Bounds, ConfinedMeansAtOrBelowWhatIsWritable) {
  const Bounds bounds(
      {.workspace = "/no/ws", .confined = true, .writable = {"/no/ws", "/no/tmp/"}});
  EXPECT_EQ(verdicts(bounds, {"/no/ws", "/no/ws/a", "/no/wsx", "/no", "/no/tmp/a", "/"}),
            "rlwm /no/ws\n"
            "rlwm /no/ws/a\n"
            "rl-- /no/wsx\n"
            "rl-- /no\n"
            "rlwm /no/tmp/a\n"
            "rl-- /\n");
}

TEST(Bounds, HeldToAFootprintMeansItsPatternsInsideTheWorkspace) {
  const Bounds bounds({.workspace = "/no/ws",
                       .confined = true,
                       .writable = {"/no", "/no/ws", "/no/ws/.tmp"},
                       .held_to = footprint_of({"src/*.md", "!src/x.md"}, {"gen/deep/**", "one"})});
  EXPECT_EQ(verdicts(bounds, {"/no/ws", "/no/ws/src", "/no/ws/src/a.md", "/no/ws/src/x.md",
                              "/no/ws/src/a.cc", "/no/ws/gen", "/no/ws/gen/deep",
                              "/no/ws/gen/deep/a", "/no/ws/one", "/no/ws/.git/HEAD",
                              "/no/ws/.tmp/a", "/no/ws/other", "/no/out"}),
            "rl-- /no/ws\n"
            "-l-- /no/ws/src\n"
            "rl-- /no/ws/src/a.md\n"
            "---- /no/ws/src/x.md\n"
            "---- /no/ws/src/a.cc\n"
            "-l-m /no/ws/gen\n"
            "-l-m /no/ws/gen/deep\n"
            "rlwm /no/ws/gen/deep/a\n"
            "rlwm /no/ws/one\n"
            "rl-- /no/ws/.git/HEAD\n"
            "rlwm /no/ws/.tmp/a\n"
            "---- /no/ws/other\n"
            "rl-- /no/out\n");
}

TEST(Bounds, AnUnknownFootprintBoundsNothingInside) {
  const Bounds bounds(
      {.workspace = "/no/ws", .confined = true, .held_to = footprint::Footprint{.unknown = true}});
  EXPECT_EQ(verdicts(bounds, {"/no/ws/a", "/no/out"}), "rlwm /no/ws/a\nrl-- /no/out\n");
}

}  // namespace
}  // namespace interlock::process
