#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Drives the built binary as a person would, each test in a folder of its own.
namespace interlock::e2e {

/// How a command ended and what it said.
struct Ended {
  int exit = -1;  ///< As a shell tells it: 128 + the signal's number for one that was killed.
  std::string out;
  std::string err;
};

/// A command that is going on. Its end, or the object's, is the end of the process.
class Running {
 public:
  Running(pid_t pid, int out, int err);
  Running(Running&& other) noexcept;
  Running(const Running&) = delete;
  ~Running();

  /// Waits until it has said `text` on either stream.
  void until_it_says(const std::string& text);
  void send(int signal) const;
  /// All that it has said on standard output so far.
  const std::string& said() const { return ended_.out; }
  Ended wait();
  pid_t pid() const { return pid_; }

 private:
  /// Reads what comes next; false at the end of both streams, or when patience ends.
  bool read_more();
  /// Whether there was something, or an end.
  bool read_within(int milliseconds);

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  Ended ended_;
};

/// How tasks and a test tell each other where they are: a named pipe with lines. A task waits for
/// the test by `read line <PATH`, and tells it something by `echo LINE >PATH`; neither ever sleeps.
class NamedPipe {
 public:
  explicit NamedPipe(std::string path);
  NamedPipe(const NamedPipe&) = delete;
  ~NamedPipe();

  const std::string& path() const { return path_; }
  /// Waits for the next line.
  std::string next();
  /// Lets `count` readers go on.
  void ring(int count = 1) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::string unread_;
};

class Cli : public ::testing::Test {
 protected:
  Cli();
  ~Cli() override;

  /// Runs `interlock ARGUMENTS` in the workspace to its end.
  Ended interlock(const std::vector<std::string>& arguments, const std::string& input = {});
  Running start(const std::vector<std::string>& arguments);
  /// Runs a line of shell in the workspace, with the binary's path in `$INTERLOCK`.
  Ended shell(const std::string& line);

  /// The folder all of a test's files lie below.
  const std::string& folder() const { return folder_; }
  std::string workspace() const { return folder_ + "/work"; }
  std::string state() const { return folder_ + "/state/interlock"; }
  /// Variables of the commands that are run.
  std::map<std::string, std::string>& environment() { return environment_; }

  /// Paths are relative to the workspace.
  void write(const std::string& path, const std::string& content) const;
  std::string read(const std::string& path) const;
  bool exists(const std::string& path) const;
  /// Writes `plan.yaml`, or another, with `interlock: 1` above `content`.
  void write_plan(const std::string& content, const std::string& path = "plan.yaml") const;

  /// What `ARGUMENTS --json` printed.
  boost::json::value json_of(std::vector<std::string> arguments);
  /// `task: state` of every task of a run, in plan order, a line each.
  std::string states(const std::string& run = "last");
  /// The run's digest; empty when it has none.
  std::string digest(const std::string& run = "last");
  /// The command lines of all processes that were started by this test and still run.
  std::vector<std::string> left_running() const;

 private:
  Running spawn(const std::vector<std::string>& arguments, const std::string& input);

  std::string folder_;
  std::map<std::string, std::string> environment_;
};

/// The member at a path such as `/tasks/0/id`, as text: a string bare, anything else as JSON.
std::string at(const boost::json::value& value, const std::string& pointer);

}  // namespace interlock::e2e
