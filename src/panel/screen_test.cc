#include "panel/screen.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace interlock::panel {
namespace {

/// What a person sees: enough of a terminal for what Screen writes, which wraps its lines anew when
/// its width changes, as today's terminals do. One byte is one column.
class TinyTerminal {
 public:
  explicit TinyTerminal(Size size) : size_(size) {}

  void feed(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '\x1b') {
        i = obey(bytes, i + 2);
      } else if (bytes[i] == '\r') {
        column_ = 0;
      } else if (bytes[i] == '\n') {
        next_row();
      } else {
        put(bytes[i]);
      }
    }
  }

  void resize(Size size) {
    // Cut into logical lines, note where the cursor and the first visible row are, and cut anew.
    std::vector<Row> old = std::exchange(rows_, {});
    const std::size_t old_row = std::exchange(row_, 0);
    const std::size_t old_top = std::exchange(top_, 0);
    size_ = size;
    for (std::size_t i = 0; i < old.size(); ++i) {
      std::string line = old[i].text;
      const std::size_t first = i;
      while (old[i].wraps) line += old[++i].text;
      if (old_top >= first && old_top <= i) top_ = rows_.size();
      if (old_row >= first && old_row <= i) row_ = rows_.size();
      do {
        const std::string head = line.substr(0, size_.columns);
        line.erase(0, head.size());
        rows_.push_back({head, !line.empty()});
      } while (!line.empty());
    }
    top_ = std::max(top_, row_ + 1 - std::min(row_ + 1, size_.rows));
  }

  /// The rows from the top of the screen to the cursor's (it not included), joined where they wrap.
  std::vector<std::string> lines_above_cursor() const { return lines(top_, row_); }
  std::vector<std::string> lines_from_cursor() const { return lines(row_, rows_.size()); }
  bool shows_cursor() const { return shows_cursor_; }
  bool wraps() const { return wraps_; }
  bool is_updating() const { return is_updating_; }
  std::size_t column() const { return column_; }

 private:
  struct Row {
    std::string text;
    bool wraps = false;
  };

  std::vector<std::string> lines(std::size_t from, std::size_t to) const {
    std::vector<std::string> lines;
    bool continues = false;
    for (std::size_t i = from; i < to; ++i) {
      if (continues) {
        lines.back() += rows_[i].text;
      } else {
        lines.push_back(rows_[i].text);
      }
      continues = rows_[i].wraps;
    }
    return lines;
  }

  /// Obeys the sequence whose parameters begin at `at`; answers where it ends.
  std::size_t obey(std::string_view bytes, std::size_t at) {
    const std::size_t end = bytes.find_first_of("AKhl", at);
    const std::string_view parameters = bytes.substr(at, end - at);
    const bool on = bytes[end] == 'h';
    if (parameters == "?25") shows_cursor_ = on;
    if (parameters == "?7") wraps_ = on;
    if (parameters == "?2026") is_updating_ = on;
    if (bytes[end] == 'A')
      row_ -= std::min<std::size_t>(row_ - top_, std::stoul(std::string(parameters)));
    if (bytes[end] == 'K') erase_row();
    return end;
  }

  /// Only ever asked for at the first column. What wrapped into the row ends above it, as in tmux.
  void erase_row() {
    rows_[row_] = {};
    if (row_ > 0) rows_[row_ - 1].wraps = false;
  }

  void put(char byte) {
    if (column_ == size_.columns && !wraps_) column_ = size_.columns - 1;
    if (column_ == size_.columns) {
      rows_[row_].wraps = true;
      next_row();
      column_ = 0;
    }
    std::string& text = rows_[row_].text;
    if (text.size() <= column_) text.resize(column_ + 1, ' ');
    text[column_++] = byte;
  }

  void next_row() {
    if (++row_ == rows_.size()) rows_.emplace_back();
    top_ = std::max(top_, row_ + 1 - std::min(row_ + 1, size_.rows));
  }

  Size size_;
  std::vector<Row> rows_{Row{}};  ///< With all that has scrolled away.
  std::size_t top_ = 0;           ///< The first row that is visible.
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  bool shows_cursor_ = true;
  bool wraps_ = true;
  bool is_updating_ = false;
};

/// A real pseudo terminal, and a person looking at it.
class Watched {
 public:
  explicit Watched(Size size) : seen_(size) {
    termios raw{};
    cfmakeraw(&raw);
    EXPECT_EQ(openpty(&person_, &program_, nullptr, &raw, nullptr), 0);
    report_size(size);
  }
  ~Watched() {
    hang_up();
    close(program_);
  }

  int fd() const { return program_; }
  void resize(Size size) {
    look();
    report_size(size);
    seen_.resize(size);
  }
  void hang_up() {
    if (person_ >= 0) close(std::exchange(person_, -1));
  }

  /// Everything written so far has been seen, for a mark written after it has come.
  const TinyTerminal& look() {
    seen_.feed(read_all());
    return seen_;
  }
  std::string read_all() {
    constexpr char kMark = '\x05';
    EXPECT_EQ(write(program_, &kMark, 1), 1);
    std::string bytes;
    for (char byte = 0; read(person_, &byte, 1) == 1 && byte != kMark;) bytes += byte;
    return bytes;
  }

 private:
  void report_size(Size size) const {
    const winsize window{.ws_row = static_cast<unsigned short>(size.rows),
                         .ws_col = static_cast<unsigned short>(size.columns),
                         .ws_xpixel = 0,
                         .ws_ypixel = 0};
    EXPECT_EQ(ioctl(person_, TIOCSWINSZ, &window), 0);
  }

  int person_ = -1;
  int program_ = -1;
  TinyTerminal seen_;
};

using Lines = std::vector<std::string>;

void expect_whole(const TinyTerminal& seen) {
  EXPECT_TRUE(seen.shows_cursor());
  EXPECT_TRUE(seen.wraps());
  EXPECT_FALSE(seen.is_updating());
  EXPECT_EQ(seen.column(), 0U);
  EXPECT_THAT(seen.lines_from_cursor(), testing::Each(testing::IsEmpty()));
}

TEST(Screen, AFrameTakesThePlaceOfTheLast) {
  Watched terminal({40, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw({}, {"1/3 done", "a runs", "b waits"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(), (Lines{"1/3 done", "a runs", "b waits"}));
  ASSERT_TRUE(screen.draw({}, {"2/3 done", "b runs"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(), (Lines{"2/3 done", "b runs"}));
  expect_whole(terminal.look());
}

TEST(Screen, OnlyChangedLinesAreWritten) {
  Watched terminal({40, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw({}, {"1/3 done", "a runs"}));
  terminal.look();
  ASSERT_TRUE(screen.draw({}, {"1/3 done", "a runs still"}));
  const std::string bytes = terminal.read_all();
  EXPECT_THAT(bytes, testing::HasSubstr("a runs still"));
  EXPECT_THAT(bytes, testing::Not(testing::HasSubstr("1/3 done")));
  ASSERT_TRUE(screen.draw({}, {"1/3 done", "a runs still"}));
  EXPECT_EQ(terminal.read_all(), "");
}

TEST(Screen, PermanentLinesStayAboveTheFrame) {
  Watched terminal({40, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw({}, {"0/2 done"}));
  ASSERT_TRUE(screen.draw(Lines{"a failed"}, {"1/2 done"}));
  ASSERT_TRUE(screen.draw(Lines{"b failed"}, {"2/2 done"}));
  ASSERT_TRUE(screen.finish(Lines{"failed: 0 of 2 tasks done"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(),
            (Lines{"a failed", "b failed", "failed: 0 of 2 tasks done"}));
  expect_whole(terminal.look());
}

TEST(Screen, AFrameThatIsTooLargeIsCutToTheTerminal) {
  Watched terminal({8, 4});
  Screen screen(terminal.fd());
  EXPECT_EQ(screen.size(), (Size{8, 3}));
  ASSERT_TRUE(screen.draw({}, {"a", "longer than eight", "c", "d", "e"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(), (Lines{"a", "longer t", "c"}));
}

TEST(Screen, ANarrowerTerminalShowsNoRestOfTheWiderFrame) {
  Watched terminal({30, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw(Lines{"a failed"}, {"a line of twenty-six cells", "short"}));
  terminal.resize({10, 10});
  ASSERT_TRUE(screen.draw({}, {"narrow", "short"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(), (Lines{"a failed", "narrow", "short"}));
}

TEST(Screen, AStoppedTerminalHoldsNobodyUpAndLosesNothing) {
  Watched terminal({40, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw({}, {"0/2 done"}));
  terminal.look();
  ASSERT_EQ(tcflow(terminal.fd(), TCOOFF), 0);
  ASSERT_TRUE(screen.draw(Lines{"a failed"}, {"1/2 done"}));
  ASSERT_EQ(tcflow(terminal.fd(), TCOON), 0);
  ASSERT_TRUE(screen.draw(Lines{"b failed"}, {"2/2 done"}));
  EXPECT_EQ(terminal.look().lines_above_cursor(), (Lines{"a failed", "b failed", "2/2 done"}));
}

TEST(Screen, AVanishedTerminalIsReportedOnce) {
  Watched terminal({40, 10});
  Screen screen(terminal.fd());
  ASSERT_TRUE(screen.draw({}, {"0/2 done"}));
  terminal.hang_up();
  const Result<void> first = screen.draw({}, {"1/2 done"});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().message, "cannot write to the terminal: Input/output error");
  EXPECT_TRUE(screen.draw({}, {"2/2 done"}));
  EXPECT_TRUE(screen.finish(Lines{"finished"}));
}

/// Draws at random on a terminal that is resized at random; `seed` says how.
class RandomUse {
 public:
  explicit RandomUse(unsigned seed) : random_(seed), terminal_(size_), screen_(terminal_.fd()) {}

  void step() {
    if (below(4) == 0) {
      size_ = {.columns = 5 + below(60), .rows = 2 + below(20)};
      terminal_.resize(size_);
    }
    const Lines permanent = lines(below(5) == 0 ? 1 + below(3) : 0, 70);
    const Lines frame = lines(below(screen_.size().rows + 1), size_.columns);
    ASSERT_TRUE(screen_.draw(permanent, frame));
    for (const std::string& line : permanent) history_ += line + "\n";
    expect_seen(frame);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  Lines lines(std::size_t count, std::size_t width_max) {
    Lines lines;
    for (std::size_t i = 0; i < count; ++i) {
      // Few different lines, so that many stay from frame to frame.
      const std::size_t width = 1 + below(4) * (width_max - 1) / 3;
      lines.emplace_back(width, static_cast<char>('a' + below(3)));
    }
    return lines;
  }

  /// The frame right above the cursor, and above it nothing but the end of what was printed for
  /// good.
  void expect_seen(const Lines& frame) {
    const TinyTerminal& seen = terminal_.look();
    expect_whole(seen);
    Lines above = seen.lines_above_cursor();
    ASSERT_GE(above.size(), frame.size());
    EXPECT_EQ(Lines(above.end() - static_cast<std::ptrdiff_t>(frame.size()), above.end()), frame);
    above.resize(above.size() - frame.size());
    std::string permanent;
    for (const std::string& line : above) permanent += line + "\n";
    EXPECT_TRUE(history_.ends_with(permanent)) << permanent << "is no end of\n" << history_;
  }

  std::mt19937 random_;
  Size size_{40, 12};
  Watched terminal_;
  Screen screen_;
  std::string history_;
};

TEST(Screen, WhateverIsDrawnAndHoweverItIsResizedTheLastFrameIsSeen) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomUse use(seed);
    for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) use.step();
  }
}

}  // namespace
}  // namespace interlock::panel
