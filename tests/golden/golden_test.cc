#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "golden/scenes.h"
#include "panel/panel.h"
#include "panel/summary.h"

// Whole screens, compared with the files beside this test. After a wanted change, write them anew
// with UPDATE_GOLDEN=1 and read the difference before committing it.
namespace interlock::golden {
namespace {

using panel::Size;
using panel::Style;

struct Screenful {
  Size size;
  Style style;
};

constexpr Style kPlain{.color = false, .unicode = true};
constexpr Style kAscii{.color = false, .unicode = false};
constexpr Style kColor{.color = true, .unicode = true};

const std::vector<Screenful> kForPanels{{{80, 24}, kPlain}, {{120, 40}, kPlain},
                                        {{40, 10}, kPlain}, {{20, 4}, kPlain},
                                        {{80, 24}, kAscii}, {{80, 12}, kColor}};
// A summary is printed once and may be wrapped, so its width matters only to a failure's reason.
const std::vector<Screenful> kForSummaries{
    {{80, 24}, kPlain}, {{40, 10}, kPlain}, {{80, 24}, kAscii}, {{80, 24}, kColor}};

std::string title_of(const Screenful& screenful) {
  return fmt::format("==== {}x{}{}{}\n", screenful.size.columns, screenful.size.rows,
                     screenful.style.unicode ? "" : " ASCII",
                     screenful.style.color ? " in colour" : "");
}

/// The escape byte as text, so that the files stay readable and greppable.
std::string with_visible_escapes(std::string text) {
  for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b', at)) {
    text.replace(at, 1, "\\e");
  }
  return text;
}

template <typename Draw>
std::string draw_all(const engine::RunStatus& run, const std::vector<Screenful>& screenfuls,
                     Draw draw) {
  std::string text;
  for (const Screenful& screenful : screenfuls) {
    text += title_of(screenful);
    for (const std::string& line : draw(run, screenful.size, screenful.style)) {
      text += with_visible_escapes(line) + "\n";
    }
  }
  return text;
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

void expect_golden(const std::string& name, const std::string& actual) {
  const std::filesystem::path path = std::filesystem::path("tests/golden") / (name + ".txt");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  EXPECT_EQ(read_file(path), actual)
      << "differs from " << path << "; UPDATE_GOLDEN=1 writes it anew";
}

TEST(Golden, ThePanelOfEverySceneLooksAsAgreed) {
  for (const Scene& scene : scenes_under_way()) {
    expect_golden("panel_" + scene.name, draw_all(scene.run, kForPanels, panel::draw_panel));
  }
}

TEST(Golden, TheSummaryOfEverySceneLooksAsAgreed) {
  for (const Scene& scene : scenes_at_the_end()) {
    const auto draw = [](const engine::RunStatus& run, panel::Size size, panel::Style style) {
      return panel::draw_summary(run, size, style, true);
    };
    expect_golden("summary_" + scene.name, draw_all(scene.run, kForSummaries, draw));
  }
}

TEST(Golden, EveryScreenFileBelongsToAScene) {
  std::vector<std::string> expected;
  for (const Scene& scene : scenes_under_way()) expected.push_back("panel_" + scene.name);
  for (const Scene& scene : scenes_at_the_end()) expected.push_back("summary_" + scene.name);
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden")) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path().stem());
  }
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace interlock::golden
