#include "worker/distributed_processes.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

namespace interlock::worker {

using engine::AttemptName;
using engine::Exited;
using engine::JobState;
using engine::Spawned;
using engine::SpawnSpec;

DistributedProcesses::DistributedProcesses(engine::ProcessHost& here, engine::JobQueue& queue,
                                           engine::JobPacker& packer, engine::Clock& clock,
                                           Options options)
    : here_(here), queue_(queue), packer_(packer), clock_(clock), options_(std::move(options)) {
  step();  // Who lives is known before the first is to be spawned.
  background_ = std::move(options_.background);
  if (background_) background_->post([this] { serve(); });
}

DistributedProcesses::~DistributedProcesses() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  background_.reset();
  for (const auto& [name, job] : jobs_) {
    const bool is_open = job.state == Job::State::offered || job.state == Job::State::claimed;
    // Where the store is not there any more, no dispatcher will take what comes of it.
    if (is_open && !queue_.withdraw(job.number)) return;
  }
}

Result<void> DistributedProcesses::spawn(const SpawnSpec& spec) {
  const bool may_leave =
      !engine::why_not_a_job(spec) && !(options_.keeps_here && options_.keeps_here(spec));
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(spec.name);
    if (may_leave && free_workers_ > 0) {
      --free_workers_;
      jobs_[spec.name].spec = spec;
      changed_.notify_all();
      return {};
    }
  }
  return here_.spawn(spec);
}

void DistributedProcesses::stop(AttemptName name, Duration grace) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(name);
    if (found != jobs_.end() && found->second.state == Job::State::over) return;
    if (found != jobs_.end()) {
      Job& job = found->second;
      const bool is_sooner = !job.grace || grace < *job.grace;
      if (is_sooner) job.is_stop_sent = false;
      job.grace = std::min(grace, job.grace.value_or(grace));
      changed_.notify_all();
      if (job.state != Job::State::here) return;
    }
  }
  here_.stop(name, grace);
}

std::vector<engine::Report> DistributedProcesses::wait(std::optional<Time> deadline) {
  if (!background_) step();
  spawn_what_stays();
  std::vector<engine::Report> reports = take_reports();
  if (!reports.empty()) {
    deadline = Time{};
  } else if (!background_) {
    const Time look = clock_.now() + kBetweenLooks;
    deadline = std::min(look, deadline.value_or(look));
  }
  for (engine::Report& report : here_.wait(deadline)) {
    // One that began elsewhere, and had to begin again here, was told as spawned then.
    const auto* const spawned = std::get_if<Spawned>(&report);
    if (spawned != nullptr) {
      const std::lock_guard lock(mutex_);
      const auto found = jobs_.find(spawned->name);
      if (found != jobs_.end() && std::exchange(found->second.is_spawned, true)) continue;
    }
    reports.push_back(std::move(report));
  }
  if (!background_) step();
  spawn_what_stays();
  std::ranges::move(take_reports(), std::back_inserter(reports));
  return reports;
}

std::vector<engine::Report> DistributedProcesses::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

/// Processes are made by the thread that waits for them.
void DistributedProcesses::spawn_what_stays() {
  std::unique_lock lock(mutex_);
  for (const AttemptName name : std::exchange(to_spawn_, {})) {
    Job& job = jobs_.at(name);
    if (job.grace) {
      end_without_result(name, job, SIGTERM);
      continue;
    }
    const SpawnSpec spec = std::move(job.spec);
    lock.unlock();
    const auto spawned = here_.spawn(spec);
    lock.lock();
    if (spawned) continue;
    // It was accepted, so that it has to have an end.
    report_spawned(name, job, {});
    job.state = Job::State::over;
    Exited exited{.name = name, .exit_code = 127};
    exited.hindered = spawned.error().message;
    reports_.emplace_back(std::move(exited));
  }
}

/// Null: it runs here, or nowhere.
const DistributedProcesses::Job* DistributedProcesses::elsewhere(AttemptName name) const {
  const auto found = jobs_.find(name);
  return found == jobs_.end() || found->second.state == Job::State::here ? nullptr : &found->second;
}

std::optional<Time> DistributedProcesses::last_output_at(AttemptName name) const {
  {
    const std::lock_guard lock(mutex_);
    if (const Job* const job = elsewhere(name))
      return job->state == Job::State::over ? std::nullopt : job->last_output;
  }
  return here_.last_output_at(name);
}

std::string DistributedProcesses::last_line(AttemptName name) const {
  {
    const std::lock_guard lock(mutex_);
    if (const Job* const job = elsewhere(name)) return job->last_line;
  }
  return here_.last_line(name);
}

std::string DistributedProcesses::take_output(AttemptName name) {
  {
    const std::lock_guard lock(mutex_);
    if (elsewhere(name) != nullptr) return std::exchange(jobs_.at(name).output, {});
  }
  return here_.take_output(name);
}

engine::Observed DistributedProcesses::observed(AttemptName name) const {
  {
    const std::lock_guard lock(mutex_);
    if (const Job* const job = elsewhere(name)) return job->observed;
  }
  return here_.observed(name);
}

Result<engine::Leftovers> DistributedProcesses::end_leftovers(
    const std::string& label, const std::optional<ProcessIdentity>& process) {
  // Jobs of a dead dispatcher were withdrawn when the queue was opened: what comes of them is
  // accepted nowhere.
  return here_.end_leftovers(label, process);
}

void DistributedProcesses::serve() {
  for (;;) {
    step();
    std::unique_lock lock(mutex_);
    if (!reports_.empty() || !to_spawn_.empty()) options_.wake();
    if (!is_ending_) changed_.wait_for(lock, kBetweenLooks);
    if (is_ending_) return;
  }
}

void DistributedProcesses::step() {
  std::vector<AttemptName> packing;
  std::vector<std::int64_t> withdrawn;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, job] : jobs_) {
      if (job.state == Job::State::packing) packing.push_back(name);
    }
    withdrawn = to_withdraw_;
  }
  for (const AttemptName name : packing) offer(name);
  const Time now = clock_.now();
  see_to_stops(now);
  for (const std::int64_t job : withdrawn) {
    // Where the store is lost it is said again in the next round.
    if (!queue_.withdraw(job)) continue;
    const std::lock_guard lock(mutex_);
    std::erase(to_withdraw_, job);
  }
  if (const auto states = queue_.look()) {
    for (const JobState& state : *states) follow(state, now);
    run_what_is_gone(*states);
  }
  const auto free = queue_.free_workers(options_.labels);
  const std::lock_guard lock(mutex_);
  const auto is_packing = [](const auto& one) { return one.second.state == Job::State::packing; };
  const auto wanted = static_cast<std::size_t>(std::ranges::count_if(jobs_, is_packing));
  free_workers_ = free && *free > wanted ? *free - wanted : 0;
}

void DistributedProcesses::offer(AttemptName name) {
  SpawnSpec spec;
  {
    const std::lock_guard lock(mutex_);
    Job& job = jobs_.at(name);
    if (job.grace) return end_without_result(name, job, SIGTERM);
    spec = job.spec;
  }
  auto packed = packer_.pack(spec, queue_.files());
  const auto number = packed ? queue_.offer({spec.label, options_.labels, engine::text_of(*packed)})
                             : Result<std::int64_t>(std::unexpected(packed.error()));
  const std::lock_guard lock(mutex_);
  Job& job = jobs_.at(name);
  if (!number) return run_here(name, job);
  job.state = Job::State::offered;
  job.number = *number;
  job.offered_at = clock_.now();
}

void DistributedProcesses::see_to_stops(Time now) {
  std::vector<std::pair<std::int64_t, Duration>> to_send;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, job] : jobs_) {
      if (!job.grace) continue;
      if (job.state == Job::State::offered) {
        to_withdraw_.push_back(job.number);
        end_without_result(name, job, SIGTERM);
      } else if (job.state == Job::State::claimed && !job.is_stop_sent) {
        job.give_up_at = now + *job.grace + kStoppedWithin;
        job.is_stop_sent = true;
        to_send.emplace_back(job.number, *job.grace);
      } else if (job.state == Job::State::claimed && now >= *job.give_up_at) {
        // Its worker is not to be reached, and will end it before its lease does.
        to_withdraw_.push_back(job.number);
        end_without_result(name, job, SIGKILL);
      }
    }
  }
  // One that does not arrive is what `give_up_at` is for.
  for (const auto& [job, grace] : to_send) static_cast<void>(queue_.ask_to_stop(job, grace));
}

void DistributedProcesses::follow(const JobState& state, Time now) {
  using State = JobState::State;
  AttemptName name;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(jobs_, [&](const auto& one) {
      const bool is_open =
          one.second.state == Job::State::offered || one.second.state == Job::State::claimed;
      return is_open && one.second.number == state.job;
    });
    if (found == jobs_.end()) return;
    name = found->first;
    Job& job = found->second;
    if (state.state == State::claimed) {
      job.state = Job::State::claimed;
      if (state.progress.process) {
        report_spawned(name, job, *state.progress.process);
        job.last_output =
            std::max(job.last_output.value_or(Time{}), now - state.progress.silent_for);
        job.last_line = state.progress.last_line;
        if (options_.redact) options_.redact(job.last_line);
      }
      return;
    }
    if (state.state == State::offered) {
      // Also one whose worker's lease ended: it has its time from then on.
      if (job.state == Job::State::claimed) job.offered_at = now;
      job.state = Job::State::offered;
      if (now - job.offered_at < kClaimedWithin) return;
    }
    if (state.state == State::offered || state.state == State::declined) {
      to_withdraw_.push_back(job.number);
      return run_here(name, job);
    }
  }
  finish(name, state);
}

/// Somebody took its row away: nothing comes of it any more.
void DistributedProcesses::run_what_is_gone(const std::vector<JobState>& states) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, job] : jobs_) {
    const bool is_open = job.state == Job::State::offered || job.state == Job::State::claimed;
    if (is_open && std::ranges::find(states, job.number, &JobState::job) == states.end())
      run_here(name, job);
  }
}

void DistributedProcesses::finish(AttemptName name, const JobState& state) {
  SpawnSpec spec;
  {
    const std::lock_guard lock(mutex_);
    spec = jobs_.at(name).spec;
  }
  auto result = engine::read_job_result(state.text);
  std::string output;
  bool is_good = result && result->exited.name == name;
  if (is_good && result->output) {
    auto bytes = queue_.files().get(*result->output);
    is_good = bytes.has_value();
    if (is_good) output = std::move(*bytes);
    if (options_.redact) options_.redact(output);
  }
  is_good = is_good && packer_.unpack(spec, *result, queue_.files());
  const std::lock_guard lock(mutex_);
  Job& job = jobs_.at(name);
  to_withdraw_.push_back(job.number);
  // Of what cannot be taken whole nothing is taken.
  if (!is_good) return run_here(name, job);
  report_spawned(name, job, {});
  job.state = Job::State::over;
  job.spec = {};
  job.output = std::move(output);
  job.observed = std::move(result->observed);
  reports_.emplace_back(std::move(result->exited));
}

void DistributedProcesses::run_here(AttemptName name, Job& job) {
  job.state = Job::State::here;
  to_spawn_.push_back(name);
}

void DistributedProcesses::end_without_result(AttemptName name, Job& job, int signal) {
  report_spawned(name, job, {});
  job.state = Job::State::over;
  job.spec = {};
  reports_.emplace_back(Exited{.name = name, .exit_code = {}, .signal = signal});
}

void DistributedProcesses::report_spawned(AttemptName name, Job& job,
                                          const ProcessIdentity& process) {
  if (!std::exchange(job.is_spawned, true)) reports_.emplace_back(Spawned{name, process});
}

}  // namespace interlock::worker
