#include "e2e/cli_harness.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/json.h"

namespace interlock::e2e {

namespace fs = std::filesystem;

namespace {

/// Nothing a test waits for takes this long, even on a machine that is busy with something else.
constexpr int kPatienceMs = 120'000;

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The strings of a file of `/proc` that ends each with a zero byte, joined by spaces.
std::string read_proc(const fs::path& path) {
  std::string text = read_file(path);
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

int shell_exit_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Running::Running(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}

Running::Running(Running&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      ended_(std::move(other.ended_)) {}

Running::~Running() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

bool Running::read_more() {
  if (read_within(kPatienceMs)) return out_ >= 0 || err_ >= 0;
  ADD_FAILURE() << "nothing more came; so far it said:\n" << ended_.out << ended_.err;
  return false;
}

bool Running::read_within(int milliseconds) {
  std::array<pollfd, 2> streams{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (::poll(streams.data(), streams.size(), milliseconds) <= 0) return false;
  const auto take = [](const pollfd& stream, int& fd, std::string& into) {
    if (stream.revents == 0) return;
    std::array<char, 65536> block;
    const ssize_t count = ::read(fd, block.data(), block.size());
    if (count > 0) {
      into.append(block.data(), static_cast<std::size_t>(count));
    } else {
      ::close(std::exchange(fd, -1));
    }
  };
  take(streams[0], out_, ended_.out);
  take(streams[1], err_, ended_.err);
  return true;
}

void Running::until_it_says(const std::string& text) {
  const auto said = [&] {
    return ended_.out.find(text) != std::string::npos || ended_.err.find(text) != std::string::npos;
  };
  while (!said()) {
    if (read_more()) continue;
    if (!said())
      ADD_FAILURE() << "it never said `" << text << "` but:\n" << ended_.out << ended_.err;
    return;
  }
  // What the other stream was told before may have come after the look at it.
  if (out_ >= 0 || err_ >= 0) read_within(0);
}

void Running::send(int signal) const { ::kill(pid_, signal); }

Ended Running::wait() {
  while ((out_ >= 0 || err_ >= 0) && read_more()) {
  }
  // Streams that were given up on: what holds them would hold the test too.
  if (out_ >= 0 || err_ >= 0) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  ended_.exit = shell_exit_of(status);
  return ended_;
}

// Open for both directions, so that neither side ever waits for the other to open it.
NamedPipe::NamedPipe(std::string path) : path_(std::move(path)) {
  ::mkfifo(path_.c_str(), 0600);
  fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
}

NamedPipe::~NamedPipe() { ::close(fd_); }

std::string NamedPipe::next() {
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    pollfd one{fd_, POLLIN, 0};
    std::array<char, 4096> block;
    if (::poll(&one, 1, kPatienceMs) <= 0) {
      ADD_FAILURE() << "nobody rang " << path_;
      return {};
    }
    const ssize_t count = ::read(fd_, block.data(), block.size());
    if (count > 0) unread_.append(block.data(), static_cast<std::size_t>(count));
  }
}

void NamedPipe::ring(int count) const {
  const std::string lines(static_cast<std::size_t>(count), '\n');
  EXPECT_EQ(::write(fd_, lines.data(), lines.size()), std::ssize(lines));
}

Cli::Cli() {
  std::string pattern = fs::temp_directory_path() / "interlock-e2e-XXXXXX";
  folder_ = fs::canonical(::mkdtemp(pattern.data()));
  fs::create_directories(workspace());
  fs::create_directories(folder_ + "/home");
  const char* path = std::getenv("PATH");
  environment_ = {{"PATH", path != nullptr ? path : "/usr/bin:/bin"},
                  {"HOME", folder_ + "/home"},
                  {"XDG_STATE_HOME", folder_ + "/state"},
                  {"LC_ALL", "C.UTF-8"},
                  {"INTERLOCK", INTERLOCK_BINARY}};
}

Cli::~Cli() {
  std::error_code trouble;
  fs::remove_all(folder_, trouble);
}

Running Cli::spawn(const std::vector<std::string>& arguments, const std::string& input) {
  const std::string input_file = folder_ + "/input";
  std::ofstream(input_file, std::ios::binary) << input;
  std::array<int, 2> out{}, err{};
  EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(err.data(), O_CLOEXEC), 0);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input_file.c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(&actions, workspace().c_str());

  std::vector<char*> argv, envp;
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment_) variables.push_back(name + "=" + value);
  for (const std::string& one : variables) envp.push_back(const_cast<char*>(one.c_str()));
  envp.push_back(nullptr);

  pid_t pid = -1;
  EXPECT_EQ(
      ::posix_spawn(&pid, arguments.front().c_str(), &actions, nullptr, argv.data(), envp.data()),
      0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  return {pid, out[0], err[0]};
}

Running Cli::start(const std::vector<std::string>& arguments) {
  std::vector<std::string> whole{INTERLOCK_BINARY};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  return spawn(whole, {});
}

Ended Cli::interlock(const std::vector<std::string>& arguments, const std::string& input) {
  std::vector<std::string> whole{INTERLOCK_BINARY};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  return spawn(whole, input).wait();
}

Ended Cli::shell(const std::string& line) { return spawn({"/bin/sh", "-c", line}, {}).wait(); }

void Cli::write(const std::string& path, const std::string& content) const {
  const fs::path whole = fs::path(workspace()) / path;
  fs::create_directories(whole.parent_path());
  std::ofstream(whole, std::ios::binary) << content;
}

std::string Cli::read(const std::string& path) const {
  return read_file(fs::path(workspace()) / path);
}

bool Cli::exists(const std::string& path) const { return fs::exists(fs::path(workspace()) / path); }

void Cli::write_plan(const std::string& content, const std::string& path) const {
  write(path, "interlock: 1\n" + content);
}

boost::json::value Cli::json_of(std::vector<std::string> arguments) {
  arguments.push_back("--json");
  const Ended ended = interlock(arguments);
  auto value = parse_json(ended.out);
  if (value) return *value;
  ADD_FAILURE() << arguments.front() << " printed no JSON: " << ended.out << ended.err;
  return {};
}

std::string Cli::states(const std::string& run) {
  const boost::json::value shown = json_of({"show", run});
  std::string text;
  if (!shown.is_object()) return text;
  for (const auto& task : shown.at("tasks").as_array())
    text += at(task, "/id") + ": " + at(task, "/state") + "\n";
  return text;
}

std::string Cli::digest(const std::string& run) {
  const boost::json::value shown = json_of({"show", run});
  return shown.is_object() && shown.at("digest").is_string() ? at(shown, "/digest") : std::string();
}

std::vector<std::string> Cli::left_running() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // Whoever this test started, at whatever remove, has its folder in the environment. A zombie's
    // is empty.
    if (read_proc(entry.path() / "environ").find(folder_ + "/") == std::string::npos) continue;
    found.push_back(read_proc(entry.path() / "cmdline"));
  }
  return found;
}

std::string at(const boost::json::value& value, const std::string& pointer) {
  boost::system::error_code trouble;
  const auto* found = value.find_pointer(pointer, trouble);
  if (found == nullptr) return "nothing at " + pointer;
  return found->is_string() ? std::string(found->as_string()) : boost::json::serialize(*found);
}

}  // namespace interlock::e2e
