#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/worker_ports.h"
#include "support/fake_clock.h"

namespace interlock::testing_support {

/// What a made-up process does.
struct Behaviour {
  std::optional<std::string> refused = {};  ///< The spawn fails, with these words.
  Duration lasts = std::chrono::seconds(1);
  int exit_code = 0;
  std::optional<int> signal = {};  ///< Ends by it instead.
  bool hangs = false;              ///< Never ends by itself.
  bool ignores_term = false;
  std::string hindered = {};  ///< What kept its work from being done; with an `exit_code`.
  std::string output = {};    ///< Written at its start.
  /// Lines of its standard output, each with its moment after the start; told where the spec wants
  /// that. Those that are due after its end are never written.
  std::vector<std::pair<Duration, std::string>> lines = {};
  std::optional<Duration> speaks_every = {};  ///< A line on standard error, again and again.
  std::uint32_t strays = 0;                   ///< Processes that outlive it until they are ended.
};

/// Processes in virtual time: waiting moves the clock to the next report.
///
/// The world outlives its dispatchers: after `crash` the processes go on without one, until
/// `end_leftovers`.
class FakeProcesses final : public engine::ProcessHost {
 public:
  explicit FakeProcesses(FakeClock& clock) : clock_(clock) {}

  /// What an attempt will do; for all attempts of a task where the attempt is not named. The
  /// default is to succeed after a second without a word.
  void script(TaskId task, Behaviour behaviour) { scripts_[task] = std::move(behaviour); }
  void script(engine::AttemptName name, Behaviour behaviour) {
    exact_scripts_[name] = std::move(behaviour);
  }
  /// When set, decides instead of the scripts.
  std::function<Behaviour(const engine::SpawnSpec&)> decide;

  /// When set, what `observed` answers.
  std::function<engine::Observed(engine::AttemptName)> observe;

  /// Called with the name of the call at the beginning of each. What it throws goes through: a
  /// crash between two calls.
  std::function<void(std::string_view call)> before_call;

  /// The dispatcher dies: its reports are lost and its processes become leftovers.
  void crash();
  /// Labels of processes that no dispatcher holds.
  std::vector<std::string> leftovers() const;
  /// Labels of the attempts that run for the present dispatcher.
  std::vector<std::string> running() const;
  /// Leftovers of this label cannot be proven dead.
  void make_undying(const std::string& label) { undying_.insert(label); }

  void poke() { report(clock_.now(), engine::Poked{}); }
  void interrupt(int signal) { report(clock_.now(), engine::Interrupted{signal}); }

  Result<void> spawn(const engine::SpawnSpec& spec) override;
  void stop(engine::AttemptName name, Duration grace) override;
  std::vector<engine::Report> wait(std::optional<Time> deadline) override;
  std::optional<Time> last_output_at(engine::AttemptName name) const override;
  std::string last_line(engine::AttemptName name) const override;
  std::string take_output(engine::AttemptName name) override;
  engine::Observed observed(engine::AttemptName name) const override;
  Result<engine::Leftovers> end_leftovers(const std::string& label,
                                          const std::optional<ProcessIdentity>& process) override;

 private:
  struct Running {
    std::string label;
    ProcessIdentity process;
    Behaviour behaviour;
    Time started{};
    Time ends{};  ///< Time::max() while nothing will end it.
    engine::Exited exited;
    std::string output;
    std::vector<std::pair<Time, std::string>> unreported;  ///< By time.
    std::optional<Time> heard;

    std::uint32_t alive(Time now) const { return (ends > now ? 1 : 0) + behaviour.strays; }
  };
  void call(std::string_view name) const {
    if (before_call) before_call(name);
  }
  Behaviour behaviour_of(const engine::SpawnSpec& spec) const;
  void report(Time at, engine::Report report) { reports_.emplace(at, std::move(report)); }
  void report_what_is_due();
  /// Turns what has ended by now into reports.
  void end_what_is_due();
  Time next_moment() const;

  FakeClock& clock_;
  std::map<TaskId, Behaviour> scripts_;
  std::map<engine::AttemptName, Behaviour> exact_scripts_;
  std::map<engine::AttemptName, Running> running_;
  std::multimap<Time, engine::Report> reports_;  ///< Equal times in the order of insertion.
  std::map<engine::AttemptName, std::string> outputs_;
  std::multimap<std::string, Running> leftovers_;
  std::set<std::string> undying_;
  std::int64_t last_pid_ = 100;
};

}  // namespace interlock::testing_support
