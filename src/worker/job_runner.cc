#include "worker/job_runner.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "engine/job.h"

namespace interlock::worker {

using engine::Exited;
using engine::JobSource;

/// Bringing many files takes longer than a lease: it is renewed between them, and what was lost is
/// broken off.
class JobRunner::RenewingFiles final : public engine::JobFiles {
 public:
  explicit RenewingFiles(JobRunner& runner)
      : runner_(runner), files_(runner.source_.files(runner.job_->claimed)) {}

  Result<std::set<Digest>> missing(const std::vector<Digest>& digests) override {
    if (auto held = hold(); !held) return std::unexpected(held.error());
    return files_.missing(digests);
  }
  Result<void> put(const Digest& digest, std::string_view bytes) override {
    if (auto held = hold(); !held) return held;
    return files_.put(digest, bytes);
  }
  Result<std::string> get(const Digest& digest) override {
    if (auto held = hold(); !held) return std::unexpected(held.error());
    return files_.get(digest);
  }

 private:
  Result<void> hold() {
    runner_.renew();
    if (runner_.is_lost()) return fail(Error::Kind::refused, "the job is another worker's by now");
    return {};
  }

  JobRunner& runner_;
  engine::JobFiles& files_;
};

JobRunner::JobRunner(engine::ProcessHost& processes, JobSource& source, engine::JobPlace& place,
                     engine::Clock& clock, Options options)
    : processes_(processes),
      source_(source),
      place_(place),
      clock_(clock),
      options_(std::move(options)) {}

bool JobRunner::step(Duration at_most) {
  if (job_) {
    renew();
    if (job_->runs && is_lost() && !std::exchange(job_->is_killed, true)) {
      say("ended: its lease is lost");
      processes_.stop(job_->name, {});
    }
    if (job_->exited) hand_in();
  }
  if (!job_ && !is_ending_) claim_one();
  if (!job_ && is_ending_) return false;
  for (engine::Report& report : processes_.wait(clock_.now() + at_most)) on_report(report);
  return true;
}

void JobRunner::on_report(engine::Report& report) {
  if (std::holds_alternative<engine::Interrupted>(report)) {
    is_ending_ = true;
    if (!job_) return;
    // Others may have it at once. What it did so far counts for nothing.
    static_cast<void>(source_.give_back(job_->claimed));
    job_->is_held = false;
  } else if (const auto* const spawned = std::get_if<engine::Spawned>(&report)) {
    job_->process = spawned->process;
    job_->renewed_at.reset();
  } else if (auto* const exited = std::get_if<Exited>(&report)) {
    job_->runs = false;
    job_->output = processes_.take_output(job_->name);
    job_->exited = std::move(*exited);
  }
}

void JobRunner::claim_one() {
  const Duration now = options_.uptime();
  if (looked_at_ && now - *looked_at_ < options_.between_claims) return;
  looked_at_ = now;
  if (!source_.report_alive()) return;
  auto claimed = source_.claim();
  if (!claimed || !*claimed) return;
  looked_at_.reset();  // There may be more where it came from.
  job_.emplace(std::move(**claimed)).renewed_at = now;
  const auto ready = set_up();
  say(ready ? "began" : "declined: " + ready.error().message);
  if (ready) return;
  // Where this does not arrive, the lease ends by itself.
  if (job_->is_held) static_cast<void>(source_.decline(job_->claimed, ready.error().message));
  drop();
}

Result<void> JobRunner::set_up() {
  auto spec = engine::read_job_spec(job_->claimed.spec);
  if (!spec) return std::unexpected(spec.error());
  job_->label = spec->spawn.label;
  for (const std::string& name : spec->passed_on) {
    const auto own = options_.environment.find(name);
    if (own == options_.environment.end())
      spec->spawn.environment.erase(name);
    else
      spec->spawn.environment[name] = own->second;
  }
  RenewingFiles files(*this);
  const auto ready = place_.set_up(*spec, files);
  if (!ready) return std::unexpected(ready.error());
  job_->name = ready->name;
  auto spawned = processes_.spawn(*ready);
  job_->runs = spawned.has_value();
  return spawned;
}

engine::JobProgress JobRunner::progress() const {
  engine::JobProgress progress;
  progress.process = job_->process;
  if (!job_->runs) return progress;
  if (const auto last = processes_.last_output_at(job_->name))
    progress.silent_for = std::max(Duration{}, clock_.now() - *last);
  progress.last_line = processes_.last_line(job_->name);
  return progress;
}

void JobRunner::renew() {
  const Duration now = options_.uptime();
  const bool is_due = !job_->renewed_at || now - *job_->renewed_at >= options_.between_renewals;
  if (!job_->is_held || !is_due) return;
  job_->renewed_at = now;
  const auto renewed = source_.renew(job_->claimed, progress());
  if (!renewed) return;  // The store is lost: until the lease ends it is tried again.
  job_->is_held = renewed->is_held;
  if (!job_->is_held) return;
  job_->claimed.until = std::max(job_->claimed.until, renewed->until);
  const auto& grace = renewed->grace;
  const bool is_sooner = grace && (!job_->stops_within || *grace < *job_->stops_within);
  if (!is_sooner || !job_->runs) return;
  job_->stops_within = grace;
  processes_.stop(job_->name, *grace);
}

bool JobRunner::is_lost() const {
  return job_->is_killed || !job_->is_held || options_.uptime() >= job_->claimed.until;
}

void JobRunner::hand_in() {
  if (is_lost()) {
    if (!job_->is_killed) say("thrown away: its lease is lost");
    // Where it is its own once more, others need not wait for the lease to end.
    static_cast<void>(source_.give_back(job_->claimed));
    return drop();
  }
  RenewingFiles files(*this);
  auto result = place_.take(*job_->exited, files);
  if (result && !job_->output.empty()) {
    result->output = digest_of(job_->output);
    if (auto put = files.put(*result->output, job_->output); !put)
      result = std::unexpected(put.error());
  }
  if (result) {
    result->observed = processes_.observed(job_->name);
    const auto finished = source_.finish(job_->claimed, engine::text_of(*result));
    if (!finished) return;  // Tried again, until the lease ends.
    say(*finished ? "done" : "thrown away: it is another worker's by now");
  } else if (result.error().kind == Error::Kind::io) {
    return;  // Likewise.
  } else {
    say("declined: " + result.error().message);
    static_cast<void>(source_.decline(job_->claimed, result.error().message));
  }
  drop();
}

void JobRunner::say(const std::string& what) const {
  if (options_.on_job) options_.on_job(job_->label + " " + what);
}

void JobRunner::drop() {
  place_.clear();
  job_.reset();
}

}  // namespace interlock::worker
