#include "panel/screen.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace interlock::panel {
namespace {

// ECMA-48 and the private modes that every terminal emulator of today knows or ignores.
// Synchronised updates (2026) keep a half-drawn frame from being shown; without wrapping (7) a line
// that has become too wide between asking the size and drawing is cut by the terminal.
constexpr std::string_view kFrameBegin = "\x1b[?2026h\x1b[?25l";
constexpr std::string_view kFrameEnd = "\x1b[?25h\x1b[?2026l";
constexpr std::string_view kWrapOff = "\x1b[?7l";
constexpr std::string_view kWrapOn = "\x1b[?7h";
constexpr std::string_view kEraseLine = "\x1b[2K";
constexpr std::string_view kNextLine = "\r\n";

Size ask_size(int fd) {
  winsize window{};
  if (ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {.columns = window.ws_col, .rows = window.ws_row};
}

/// Rows that `frame`, drawn at `then`, takes at `now`. Terminals wrap the lines they hold when they
/// get narrower. (Old ones cut them off instead; there this is too much, and lines above the frame
/// are lost.)
std::size_t rows_of(const std::vector<std::string>& frame, Size then, Size now) {
  std::size_t rows = 0;
  for (const std::string& line : frame) {
    const std::size_t width = std::min(display_width(printable(line)), then.columns);
    rows += std::max<std::size_t>(1, (width + now.columns - 1) / now.columns);
  }
  return rows;
}

std::string move_up(std::size_t rows) { return rows == 0 ? "\r" : fmt::format("\x1b[{}A\r", rows); }

bool takes_bytes_now(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  // Anything but "not yet" is found out by writing.
  return poll(&entry, 1, 0) != 0;
}

void await_room(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  poll(&entry, 1, -1);
}

}  // namespace

Size Screen::size() const {
  const Size size = ask_size(fd_);
  return {.columns = size.columns, .rows = size.rows - 1};
}

Result<void> Screen::draw(std::span<const std::string> permanent,
                          const std::vector<std::string>& frame) {
  if (gone_) return {};
  permanent_.insert(permanent_.end(), permanent.begin(), permanent.end());
  if (!takes_bytes_now(fd_)) return {};

  const Size now = ask_size(fd_);
  std::vector<std::string> shown = frame;
  shown.resize(std::min(shown.size(), now.rows - 1));
  if (permanent_.empty() && now == drawn_at_ && shown == frame_) return {};

  const std::size_t rows_up = rows_of(frame_, drawn_at_, now);
  const bool from_scratch = !permanent_.empty() || now != drawn_at_ || shown.size() < frame_.size();
  const std::string bytes = from_scratch ? redraw(shown, rows_up) : update(shown, rows_up);
  frame_ = std::move(shown);
  drawn_at_ = now;
  return write(bytes);
}

Result<void> Screen::finish(std::span<const std::string> lines) {
  if (gone_) return {};
  await_room(fd_);
  return draw(lines, {});
}

void Screen::begin_anew() {
  frame_.clear();
  drawn_at_ = {.columns = 0, .rows = 0};
}

Result<void> Screen::send(const std::string& sequence) {
  if (gone_ || sequence.empty() || !takes_bytes_now(fd_)) return {};
  return write(sequence);
}

std::string Screen::redraw(const std::vector<std::string>& frame, std::size_t rows_up) {
  std::string bytes(kFrameBegin);
  // Row by row: what "erase below" clears from the top of the screen tmux keeps, and brings back
  // later.
  bytes += kEraseLine;
  for (std::size_t row = 0; row < rows_up; ++row) bytes.append(move_up(1)).append(kEraseLine);
  for (const std::string& line : permanent_) bytes.append(line).append(kNextLine);
  permanent_.clear();
  bytes += kWrapOff;
  for (const std::string& line : frame) bytes.append(line).append(kNextLine);
  return bytes.append(kWrapOn).append(kFrameEnd);
}

std::string Screen::update(const std::vector<std::string>& frame, std::size_t rows_up) const {
  std::string bytes(kFrameBegin);
  bytes.append(move_up(rows_up)).append(kWrapOff);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const bool stays = i < frame_.size() && frame_[i] == frame[i];
    if (!stays) bytes.append(kEraseLine).append(frame[i]);
    bytes += kNextLine;
  }
  return bytes.append(kWrapOn).append(kFrameEnd);
}

Result<void> Screen::write(const std::string& bytes) {
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t count = ::write(fd_, bytes.data() + written, bytes.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      await_room(fd_);
    } else if (errno != EINTR) {
      gone_ = true;
      return fail(Error::Kind::io,
                  fmt::format("cannot write to the terminal: {}", std::strerror(errno)),
                  "the run goes on without its panel");
    }
  }
  return {};
}

}  // namespace interlock::panel
