#include "cli/console.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "base/text.h"
#include "runs/learning.h"

namespace interlock::cli {

namespace {

/// 0, or why not all of it could be written.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      // Somebody before us made it so that writing does not wait.
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string_view kind_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::invalid: return "invalid";
    case Error::Kind::refused: return "refused";
    case Error::Kind::missing: return "missing";
    case Error::Kind::io: return "io";
    case Error::Kind::internal: return "internal";
  }
  return "internal";
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

Console::Console(panel::ColorMode color, bool quiet, bool json)
    : out_(panel::look_at_terminal(STDOUT_FILENO, color)),
      err_(panel::look_at_terminal(STDERR_FILENO, color)),
      quiet_(quiet),
      json_(json) {}

void Console::result(std::string_view text) {
  if (out_gone_ || text.empty()) return;
  const int error =
      write_all(STDOUT_FILENO, out_.is_terminal ? panel::harmless(text) : std::string(text));
  out_gone_ = error != 0;
  // Who reads `interlock log | head` has what was wanted; a full disk has not.
  if (error != EPIPE) out_error_ = error;
}

void Console::remark(std::string_view text) {
  if (!quiet_) insist(text);
}

void Console::remark_file(std::string_view before, const std::string& file,
                          std::string_view after) {
  std::error_code trouble;
  const std::filesystem::path path = std::filesystem::absolute(file, trouble);
  if (quiet_ || !err_.links || trouble)
    return remark(fmt::format("{}{}{}", before, printable(file), after));
  const std::string text =
      fmt::format("{}{}{}\n", panel::harmless(before),
                  panel::file_link(path.lexically_normal().string(), file, runs::host_name()),
                  panel::harmless(after));
  write_all(STDERR_FILENO, text);
}

void Console::insist(std::string_view text) { write_error(fmt::format("{}\n", text)); }

void Console::write_error(std::string_view text) const {
  // There is nobody left to tell when this fails.
  write_all(STDERR_FILENO, err_.is_terminal ? panel::harmless(text) : std::string(text));
}

std::string Console::text_of(const Error& error) const {
  const bool whole_page = error.message.find('\n') != std::string::npos;
  if (whole_page) return error.message;
  std::string text = fmt::format("{}error:{} {}\n", err_.color ? "\x1b[1;31m" : "",
                                 err_.color ? "\x1b[0m" : "", error.message);
  if (!error.hint.empty()) text += fmt::format(" hint: {}\n", error.hint);
  return text;
}

Exit Console::complain(const Error& error) {
  const Exit exit = exit_for(error.kind);
  if (json_) {
    result(pretty_json(json::object{
        {"version", 1},
        {"error",
         json::object{{"kind", kind_of(error.kind)},
                      {"message", error.message},
                      {"hint", error.hint.empty() ? json::value(nullptr) : json::value(error.hint)},
                      {"exit", static_cast<int>(exit)}}}}));
  } else {
    write_error(text_of(error));
  }
  return exit;
}

Exit Console::close(Exit exit) {
  // Some file systems say only at the end that there was no room. A descriptor of our own is
  // closed, so that no other file comes to stand at number 1.
  if (const int copy = out_error_ == 0 && !out_gone_ ? ::dup(STDOUT_FILENO) : -1; copy >= 0) {
    if (::close(copy) != 0 && errno != EINTR) out_error_ = errno;
  }
  if (out_error_ == 0) return exit;
  write_error(
      text_of({Error::Kind::io,
               fmt::format("cannot write to standard output: {}", std::strerror(out_error_)),
               {}}));
  return Exit::broken;
}

}  // namespace interlock::cli
