#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "agents/chat_lines.h"
#include "base/text.h"
#include "chat/chat_call.h"
#include "chat/request.h"
#include "cli/commands.h"

// `chat`: one prompt to a model's API, and its answer as JSON lines. What agents of the kind `chat`
// run.
namespace interlock::cli {

namespace {

/// A descriptor that signals come out of, for as long as it lives; they are blocked meanwhile.
class SignalDoor {
 public:
  SignalDoor() {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
    sigprocmask(SIG_BLOCK, &ends, &before_);
    fd_ = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~SignalDoor() {
    if (fd_ >= 0) ::close(fd_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalDoor(const SignalDoor&) = delete;
  SignalDoor& operator=(const SignalDoor&) = delete;

  int fd() const { return fd_; }
  /// Which one came; 0: none.
  int came() const {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int fd_ = -1;
  sigset_t before_;
};

/// Whole or not at all: 0, or why not. Not through Talk, which forgives a reader that has gone:
/// here that ends what would go on costing.
int write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

Result<std::string> all_of_standard_input() {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Error::Kind::io, "the prompt could not be read from standard input");
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

std::string key_for(metering::Api api) {
  std::string key = variable(agents::kChatKey);
  for (const std::string_view name : chat::key_variables(api)) {
    if (key.empty()) key = variable(name);
  }
  return key;
}

Result<json::value> schema_from(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Error::Kind::missing, fmt::format("the schema `{}` cannot be read", file));
  auto schema = parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
  if (!schema) return within(schema.error(), fmt::format("`{}`", file));
  return *schema;
}

Result<chat::CallSpec> request_from(const ChatOptions& options) {
  chat::CallSpec spec;
  const auto api = chat::api_called(options.api);
  if (!api) return fail(Error::Kind::invalid, fmt::format("there is no API `{}`", options.api));
  spec.api = *api;
  spec.model = options.model;
  spec.base_url = options.base_url;
  if (options.output_max > 0) spec.output_max = options.output_max;
  if (!options.schema.empty()) {
    auto schema = schema_from(options.schema);
    if (!schema) return std::unexpected(schema.error());
    spec.schema = std::move(*schema);
  }
  auto prompt = all_of_standard_input();
  if (!prompt) return std::unexpected(prompt.error());
  if (const auto bad = first_bad_utf8(*prompt)) {
    return fail(Error::Kind::invalid, fmt::format("the prompt is not UTF-8 from byte {} on", *bad));
  }
  if (prompt->empty()) {
    return fail(Error::Kind::invalid, "there is no prompt on standard input",
                "echo 'Say hello.' | interlock chat --api anthropic --model MODEL");
  }
  spec.prompt = std::move(*prompt);
  return spec;
}

}  // namespace

Result<Exit> chat_command(const ChatOptions& options) {
  const auto spec = request_from(options);
  if (!spec) return std::unexpected(spec.error());
  const std::string key = key_for(spec->api);
  const auto request = chat::request_for(*spec, key);
  if (!request) return std::unexpected(request.error());
  const SignalDoor signals;
  int error = 0;
  const auto write = [&error](std::string_view text) {
    error = write_all(text);
    return error == 0;
  };
  chat::Around around{write, STDOUT_FILENO, signals.fd(), variable("SSL_CERT_FILE")};
  switch (chat::converse(*spec, *request, key, around)) {
    case chat::Outcome::good: return Exit::done;
    case chat::Outcome::stopped: return signals.came() == SIGINT ? Exit::interrupted : Exit::failed;
    case chat::Outcome::bad: return Exit::failed;
    case chat::Outcome::unread:
      if (error == 0 || error == EPIPE) return Exit::failed;
      return fail(Error::Kind::io,
                  fmt::format("cannot write to standard output: {}", std::strerror(error)));
  }
  return Exit::broken;
}

}  // namespace interlock::cli
