#include "panel/panel.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "panel/summary.h"

namespace interlock::panel {
namespace {

using engine::AttemptStarted;
using engine::RunEnded;
using engine::RunStatus;
using engine::TaskState;
using engine::TaskStatus;

/// Views that no run would ever make, from one seed.
class RandomViews {
 public:
  explicit RandomViews(unsigned seed) : random_(seed) {}

  RunStatus status() {
    RunStatus run;
    run.run = text();
    run.plan_name = text();
    run.pattern = text();
    run.elapsed = duration();
    run.sequential = duration();
    if (coin()) run.remaining = duration();
    if (coin()) run.tokens = number();
    if (coin()) run.cost = number();
    for (std::uint32_t* count :
         {&run.total, &run.done, &run.reused, &run.running, &run.waiting, &run.failed, &run.skipped,
          &run.cancelled, &run.reviewing, &run.retried}) {
      *count = static_cast<std::uint32_t>(coin() ? below(5) : number());
    }
    run.waited = {duration(), duration(), duration(), duration(), duration(), duration()};
    if (coin()) run.attention = text();
    if (coin()) run.stopping = text();
    if (coin()) run.ended = static_cast<RunEnded::How>(below(5));
    for (std::size_t tasks = below(60); tasks > 0; --tasks) run.tasks.push_back(task());
    return run;
  }

  Size size() { return {.columns = below(310), .rows = below(110)}; }
  Style style() { return {.color = coin(), .unicode = coin()}; }

 private:
  TaskStatus task() {
    TaskStatus task;
    task.id = text();
    task.state = static_cast<TaskState>(below(7));
    task.because = static_cast<AttemptStarted::Trigger>(below(4));
    if (coin()) task.running_for = duration();
    if (coin()) task.silent_for = duration();
    if (coin()) task.idle_limit = duration();
    task.expected = duration();
    task.last_line = text();
    task.waits_for = text();
    task.detail = text();
    return task;
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool coin() { return below(2) == 0; }
  std::int64_t number() { return static_cast<std::int64_t>(random_() >> (1 + below(63))); }
  Duration duration() { return Duration(number()); }

  /// Words, wide characters, combining marks, escape sequences and plain bytes.
  std::string text() {
    static constexpr std::array<std::string_view, 12> kPieces{
        "research",     " ",    "-",  "日本語",   "e\u0301", "🙂", "\x1b[2J",
        "\x1b]0;x\x07", "\r\n", "\t", "\xff\xc3", "\u202e"};
    std::string text;
    for (std::size_t pieces = below(30); pieces > 0; --pieces) {
      text += coin() ? std::string(kPieces[below(kPieces.size())])
                     : std::string(1, static_cast<char>(below(256)));
    }
    return text;
  }

  std::mt19937_64 random_;
};

/// `line` without the colours we add; whatever else it holds must be fit for a terminal as it is.
std::string without_colors(std::string line) {
  for (const std::string_view color :
       {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"}) {
    for (std::size_t at = 0; (at = line.find(color, at)) != std::string::npos;)
      line.erase(at, color.size());
  }
  return line;
}

void expect_fit_for_terminal(const std::string& line, Style style) {
  const std::string bare = without_colors(line);
  EXPECT_EQ(bare, printable(bare));
  EXPECT_FALSE(first_bad_utf8(bare));
  const auto is_ascii = [](char c) { return c >= ' ' && c <= '~'; };
  EXPECT_TRUE(style.color || bare == line) << line;
  EXPECT_TRUE(style.unicode || std::ranges::all_of(bare, is_ascii)) << line;
}

TEST(DrawPanel, FitsEverySizeAndPrintsNothingButText) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomViews random(seed);
    const RunStatus run = random.status();
    const Size size = random.size();
    const Style style = random.style();
    const std::vector<std::string> lines = draw_panel(run, size, style);
    EXPECT_LE(lines.size(), size.rows);
    for (const std::string& line : lines) {
      EXPECT_LE(display_width(without_colors(line)), size.columns) << line;
      expect_fit_for_terminal(line, style);
    }
    for (const std::string& line : draw_summary(run, size, style))
      expect_fit_for_terminal(line, style);
    if (HasFailure()) return;
  }
}

TEST(DrawSummary, WrapsAtWordsWhereItIsAskedTo) {
  RunStatus run;
  run.run = "r-20261127-0a1b";
  run.plan_name = "a plan with a name of some length";
  run.ended = RunEnded::How::finished;
  run.pattern = "parallel";
  run.total = run.done = 12;
  run.elapsed = std::chrono::seconds(70);
  run.sequential = std::chrono::seconds(200);
  run.one_by_one = run.sequential;
  run.hindsight = "nothing would have been faster than parallel, as far as anybody can know that";
  run.waited.needs = std::chrono::milliseconds(555);
  run.held = {{"view", "what it reads and writes is observed, and nothing else is visible", 12}};
  std::string all, wrapped;
  for (const std::string& line : draw_summary(run, {60, 24}, {})) all += line + " ";
  for (const std::string& line : draw_summary(run, {60, 24}, {}, true)) {
    EXPECT_LE(display_width(line), 60U) << line;
    wrapped += line + " ";
  }
  const auto words = [](std::string text) {
    std::erase(text, ' ');
    return text;
  };
  EXPECT_EQ(words(wrapped), words(all)) << "nothing is lost";
}

TEST(DrawPanel, KeepsWhatIsDoneWhileThereIsRoom) {
  RunStatus run;
  run.total = 5;
  run.done = 3;
  run.running = 2;
  for (int i = 0; i < 5; ++i) {
    TaskStatus task;
    task.id = fmt::format("t{}", i);
    task.state = i < 3 ? TaskState::done : TaskState::running;
    task.expected = std::chrono::seconds(10);
    (i < 3 ? task.elapsed : task.running_for) = std::chrono::seconds(i < 3 ? 4 : 5);
    run.tasks.push_back(task);
  }
  const auto rows = [&](Size size) {
    std::string text;
    for (const std::string& line : draw_panel(run, size, {})) text += line + "\n";
    return text;
  };
  EXPECT_THAT(rows({60, 20}), ::testing::AllOf(::testing::HasSubstr("t0  ######  4 s"),
                                               ::testing::HasSubstr("t4  ###...  5 s of 10 s")));
  EXPECT_THAT(rows({60, 3}),
              ::testing::AllOf(::testing::HasSubstr("t3"), ::testing::HasSubstr("t4"),
                               ::testing::Not(::testing::HasSubstr("t0"))));
}

std::string rows_of_panel(const RunStatus& run, Size size) {
  std::string text;
  for (const std::string& line : draw_panel(run, size, {})) text += line + "\n";
  return text;
}

RunStatus run_of_ten_thousand_with(std::uint32_t failed) {
  RunStatus run;
  run.total = 10'000;
  run.failed = failed;
  run.done = 10'000 - failed;
  return run;
}

TEST(DrawPanel, OneFailureInTenThousandShowsInTheBar) {
  EXPECT_EQ(rows_of_panel(run_of_ten_thousand_with(1), {60, 1}),
            "[##############################x]  9999/10000 done, 1 failed\n");
  EXPECT_EQ(rows_of_panel(run_of_ten_thousand_with(0), {60, 1}),
            "[########################################]  10000/10000 done\n");
}

TEST(DrawPanel, SilenceIsMarkedFromHalfOfWhatIsAllowed) {
  using namespace std::chrono_literals;
  RunStatus run;
  run.total = run.running = 1;
  TaskStatus& task = run.tasks.emplace_back();
  task.id = "a";
  task.state = TaskState::running;
  task.running_for = 60s;
  task.last_line = "thinking";
  task.idle_limit = 90s;
  task.silent_for = 44s;
  EXPECT_THAT(draw_panel(run, {60, 3}, {}).back(), testing::StrEq("  > a  1 m 00 s  thinking"));
  task.silent_for = 45s;
  EXPECT_THAT(draw_panel(run, {60, 3}, {}).back(),
              testing::StrEq("  > a  1 m 00 s  silent 45 s of 1 m 30 s  thinking"));
}

}  // namespace
}  // namespace interlock::panel
