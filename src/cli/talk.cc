#include "cli/talk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace interlock::cli {

namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Exit exit_for(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::invalid:
    case Error::Kind::missing: return Exit::wrong;
    case Error::Kind::refused: return Exit::refused;
    case Error::Kind::io:
    case Error::Kind::internal: return Exit::broken;
  }
  return Exit::broken;
}

Talk::Talk(panel::ColorWish color, bool quiet)
    : out_(panel::look_at_terminal(STDOUT_FILENO, color)),
      err_(panel::look_at_terminal(STDERR_FILENO, color)),
      quiet_(quiet) {}

void Talk::result(std::string_view text) {
  if (!out_gone_) out_gone_ = !write_all(STDOUT_FILENO, text);
}

void Talk::remark(std::string_view text) {
  if (!quiet_) insist(text);
}

void Talk::insist(std::string_view text) { write_all(STDERR_FILENO, fmt::format("{}\n", text)); }

Exit Talk::complain(const Error& error) {
  std::string text = error.message;
  const bool whole_page = text.find('\n') != std::string::npos;
  if (!whole_page) {
    text = fmt::format("{}error:{} {}\n", err_.color ? "\x1b[1;31m" : "",
                       err_.color ? "\x1b[0m" : "", text);
    if (!error.hint.empty()) text += fmt::format(" hint: {}\n", error.hint);
  }
  write_all(STDERR_FILENO, text);
  return exit_for(error.kind);
}

}  // namespace interlock::cli
