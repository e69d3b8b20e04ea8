#include "support/fake_processes.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace interlock::testing_support {

using engine::AttemptName;

namespace {

constexpr Duration kWaitMax = std::chrono::hours(1);

}  // namespace

Result<void> FakeProcesses::spawn(const engine::SpawnSpec& spec) {
  call("spawn");
  check(!running_.contains(spec.name), "an attempt is started once");
  Behaviour behaviour = behaviour_of(spec);
  if (behaviour.refused) return fail(Error::Kind::io, *behaviour.refused);
  const Time now = clock_.now();
  Running process;
  process.label = spec.label;
  process.process = {"fake boot", ++last_pid_, now.time_since_epoch().count()};
  process.started = now;
  process.ends = behaviour.hangs ? Time::max() : now + behaviour.lasts;
  process.exited.name = spec.name;
  process.exited.strays = behaviour.strays;
  if (behaviour.signal) {
    process.exited.signal = behaviour.signal;
  } else {
    process.exited.exit_code = behaviour.exit_code;
    process.exited.hindered = behaviour.hindered;
  }
  if (spec.keep_output) {
    process.output = behaviour.output.substr(0, spec.output_bytes_max);
    process.exited.output_cut = behaviour.output.size() > spec.output_bytes_max;
  }
  for (const auto& [after, line] : behaviour.lines) {
    if (spec.report_lines) process.unreported.emplace_back(now + after, line);
  }
  process.behaviour = std::move(behaviour);
  report(now, engine::Spawned{spec.name, process.process});
  running_.emplace(spec.name, std::move(process));
  return {};
}

Behaviour FakeProcesses::behaviour_of(const engine::SpawnSpec& spec) const {
  if (decide) return decide(spec);
  if (const auto exact = exact_scripts_.find(spec.name); exact != exact_scripts_.end())
    return exact->second;
  const auto of_task = scripts_.find(spec.name.task);
  return of_task == scripts_.end() ? Behaviour{} : of_task->second;
}

void FakeProcesses::stop(AttemptName name, Duration grace) {
  call("stop");
  const auto found = running_.find(name);
  if (found == running_.end()) return;
  Running& process = found->second;
  const bool resists = process.behaviour.ignores_term;
  const Time ends = clock_.now() + (resists ? grace : Duration::zero());
  if (ends >= process.ends) return;
  process.ends = ends;
  process.exited.exit_code.reset();
  process.exited.hindered.clear();
  process.exited.signal = resists ? SIGKILL : SIGTERM;
}

std::vector<engine::Report> FakeProcesses::wait(std::optional<Time> deadline) {
  call("wait");
  const Time latest = std::min(deadline.value_or(Time::max()), clock_.now() + kWaitMax);
  clock_.go_to(std::min(latest, next_moment()));
  report_what_is_due();
  end_what_is_due();
  std::vector<engine::Report> due;
  const auto later = reports_.upper_bound(clock_.now());
  for (auto report = reports_.begin(); report != later; ++report)
    due.push_back(std::move(report->second));
  reports_.erase(reports_.begin(), later);
  return due;
}

Time FakeProcesses::next_moment() const {
  Time next = reports_.empty() ? Time::max() : reports_.begin()->first;
  for (const auto& [name, process] : running_) {
    next = std::min(next, process.ends);
    if (!process.unreported.empty()) next = std::min(next, process.unreported.front().first);
  }
  return next;
}

void FakeProcesses::report_what_is_due() {
  for (auto& [name, process] : running_) {
    const Time until = std::min(clock_.now(), process.ends);
    engine::Printed printed{name, {}};
    auto next = process.unreported.begin();
    for (; next != process.unreported.end() && next->first <= until; ++next) {
      printed.lines.push_back(std::move(next->second));
      process.heard = next->first;
    }
    process.unreported.erase(process.unreported.begin(), next);
    if (!printed.lines.empty()) report(*process.heard, std::move(printed));
  }
}

void FakeProcesses::end_what_is_due() {
  for (auto at = running_.begin(); at != running_.end();) {
    if (at->second.ends > clock_.now()) {
      ++at;
      continue;
    }
    report(at->second.ends, at->second.exited);
    outputs_[at->first] = std::move(at->second.output);
    at = running_.erase(at);
  }
}

std::optional<Time> FakeProcesses::last_output_at(AttemptName name) const {
  call("last_heard");
  const auto found = running_.find(name);
  if (found == running_.end()) return std::nullopt;
  const Running& process = found->second;
  const auto every = process.behaviour.speaks_every;
  if (!every) return process.heard.value_or(process.started);
  return process.started + (clock_.now() - process.started) / *every * *every;
}

std::string FakeProcesses::last_line(AttemptName name) const {
  call("last_line");
  const auto found = running_.find(name);
  if (found == running_.end()) return "";
  const Running& process = found->second;
  if (process.behaviour.speaks_every &&
      clock_.now() - process.started >= *process.behaviour.speaks_every) {
    return "still at it";
  }
  std::string_view output = process.output;
  while (output.ends_with('\n')) output.remove_suffix(1);
  return std::string(output.substr(output.rfind('\n') + 1));
}

std::string FakeProcesses::take_output(AttemptName name) {
  call("take_output");
  const auto taken = outputs_.extract(name);
  return taken ? taken.mapped() : "";
}

engine::Observed FakeProcesses::observed(AttemptName name) const {
  call("observed");
  return observe ? observe(name) : engine::Observed{};
}

Result<engine::Leftovers> FakeProcesses::end_leftovers(
    const std::string& label, const std::optional<ProcessIdentity>& process) {
  call("end_leftovers");
  if (undying_.contains(label))
    return fail(Error::Kind::io, fmt::format("cannot end what is left of `{}`", label));
  engine::Leftovers left;
  std::erase_if(leftovers_, [&](const auto& entry) {
    const bool is_meant = entry.first == label || (process && *process == entry.second.process);
    if (is_meant) left.ended += entry.second.alive(clock_.now());
    return is_meant;
  });
  return left;
}

void FakeProcesses::crash() {
  for (auto& [name, process] : running_) {
    std::string label = process.label;
    leftovers_.emplace(std::move(label), std::move(process));
  }
  running_.clear();
  reports_.clear();
  outputs_.clear();
}

std::vector<std::string> FakeProcesses::leftovers() const {
  std::vector<std::string> labels;
  for (const auto& [label, process] : leftovers_) {
    if (process.alive(clock_.now()) > 0) labels.push_back(label);
  }
  return labels;
}

std::vector<std::string> FakeProcesses::running() const {
  std::vector<std::string> labels;
  for (const auto& [name, process] : running_) labels.push_back(process.label);
  return labels;
}

}  // namespace interlock::testing_support
