#include "worker/local_executor.h"

#include <atomic>
#include <utility>
#include <variant>

#include "base/check.h"
#include "engine/batch.h"
#include "engine/waiting_changes.h"

namespace interlock::worker {

using engine::AttemptName;
using engine::AttemptSpec;
using engine::Finished;

namespace {

bool has_snapshot(const plan::Task& task) {
  return task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
}

}  // namespace

/// What an attempt is made of and comes to be, handed to the other thread and back.
struct LocalExecutor::Opening {
  AttemptSpec spec;
  std::map<Digest, std::string> outputs;
  std::atomic<bool> is_stopped = false;
  Result<Prepared> prepared =
      std::unexpected(Error{Error::Kind::refused, "it was stopped first", {}});
};

struct LocalExecutor::Collecting {
  engine::Observed observed;
  footprint::Footprint footprint;
  Result<engine::Harvest> harvest;
};

struct LocalExecutor::Hashing {
  engine::HashRequest request;
  engine::Hashed hashed;
};

LocalExecutor::LocalExecutor(Options options, Means means,
                             std::function<Result<std::string>(const Digest&)> outputs)
    : options_(std::move(options)),
      means_(means),
      outputs_(std::move(outputs)),
      background_(std::move(options_.background)) {}

LocalExecutor::~LocalExecutor() = default;

void LocalExecutor::start(AttemptSpec spec) {
  const AttemptName name = spec.name;
  check(!live_.contains(name), "an attempt is started once");
  const plan::Task& task = spec.task();
  Live& live = live_[name];
  live.has_snapshot = has_snapshot(task);
  live.is_observed = name.phase == 0 && task.isolation != plan::Isolation::direct;
  live.trusts_declared = task.observe == plan::Observe::declared;
  live.merges = spec.merge.has_value();
  if (live.has_snapshot) {
    // More may be committed before it is opened.
    means_.snapshots.reserve(name);
    live.footprint = engine::batch_footprint(spec.tasks());
  }
  // The journal is this thread's.
  auto outputs = outputs_of(spec);
  if (!outputs) return refuse(name, outputs.error(), false);
  live.opening = std::make_unique<Opening>();
  live.opening->spec = std::move(spec);
  live.opening->outputs = std::move(*outputs);
  // It stays where it is until it is on its way back.
  const auto work = [this, opening = live.opening.get()] {
    if (opening->is_stopped) return;
    opening->prepared =
        prepare(opening->spec, opening->outputs, options_.workspace, options_.around, means_);
  };
  const auto then = [this, name, opening = live.opening.get()] {
    on_prepared(name, std::move(opening->prepared));
  };
  // Without a snapshot there are two folders to make: that takes less than asking somebody.
  if (live.has_snapshot) return do_beside(work, then);
  work();
  then();
}

Result<std::map<Digest, std::string>> LocalExecutor::outputs_of(const AttemptSpec& spec) const {
  std::map<Digest, std::string> bytes;
  for (const Digest& digest : spec.contents()) {
    if (bytes.contains(digest)) continue;
    auto read = outputs_(digest);
    if (!read) return std::unexpected(read.error());
    bytes.emplace(digest, std::move(*read));
  }
  return bytes;
}

void LocalExecutor::on_prepared(AttemptName name, Result<Prepared> prepared) {
  Live& live = live_.at(name);
  if (!prepared) return refuse(name, prepared.error(), false);
  live.has_route = prepared->has_route;
  // No process is made only to be killed.
  if (live.opening->is_stopped)
    return refuse(name, {Error::Kind::refused, "it was stopped first", {}}, true);
  if (auto spawned = means_.processes.spawn(prepared->spec); !spawned)
    return refuse(name, spawned.error(), true);
  live.opening.reset();
  live.state = Live::State::running;
}

void LocalExecutor::refuse(AttemptName name, Error error, bool was_ready) {
  engine::NotStarted refused{name, std::move(error), was_ready};
  // A route is bound to one start: its secret was for that process alone.
  if (live_.at(name).has_route) refused.calls = means_.gateway.close(name);
  live_.erase(name);
  reports_.emplace_back(std::move(refused));
}

void LocalExecutor::stop(AttemptName name, Duration grace) {
  const auto found = live_.find(name);
  if (found == live_.end()) return;
  if (found->second.state == Live::State::opening) found->second.opening->is_stopped = true;
  if (found->second.state == Live::State::running) means_.processes.stop(name, grace);
}

void LocalExecutor::on_exited(engine::Exited exited) {
  const AttemptName name = exited.name;
  const auto found = live_.find(name);
  check(found != live_.end(), "what exits was started");
  Live& live = found->second;
  live.state = Live::State::over;
  Finished finished;
  finished.exited = std::move(exited);
  // Taken in any case: the host keeps it until then.
  finished.output = means_.processes.take_output(name);
  if (live.is_observed) finished.observed = observed(name, live);
  if (live.merges)
    finished.merged =
        means_.folders.take(name, std::string(engine::kOursFile), engine::kMergedBytesMax);
  if (live.has_route) {
    finished.refused_hosts = means_.gateway.refused_hosts(name);
    finished.visited_hosts = means_.gateway.visited_hosts(name);
    finished.calls = means_.gateway.close(name);
  }
  if (!live.has_snapshot || name.phase != 0) live_.erase(found);
  // Its tree is proven gone, so nobody writes there any more.
  do_beside([&folders = means_.folders, name] { folders.close_attempt(name); });
  reports_.emplace_back(std::move(finished));
}

engine::Observed LocalExecutor::observed(AttemptName name, const Live& live) const {
  engine::Observed observed = means_.processes.observed(name);
  if (live.trusts_declared) {
    observed.complete = observed.may_have_read_anything = false;
    observed.gap = "as the plan declares them";
  }
  return observed;
}

void LocalExecutor::collect(AttemptName name) {
  const auto found = live_.find(name);
  check(found != live_.end() && found->second.state == Live::State::over,
        "what is collected has a snapshot and is over");
  Live& live = found->second;
  live.state = Live::State::collecting;
  live.collecting = std::make_unique<Collecting>(observed(name, live), std::move(live.footprint),
                                                 Result<engine::Harvest>());
  Collecting* const all = live.collecting.get();
  do_beside([&snapshots = means_.snapshots, name,
             all] { all->harvest = snapshots.harvest(name, all->observed, all->footprint); },
            [this, name, all] {
              reports_.emplace_back(engine::Collected{name, std::move(all->harvest)});
              live_.erase(name);
            });
}

void LocalExecutor::release(AttemptName name) {
  if (const auto found = live_.find(name);
      found != live_.end() && found->second.state == Live::State::over)
    live_.erase(found);
  do_beside([&snapshots = means_.snapshots, name] { snapshots.discard(name); });
}

std::optional<Time> LocalExecutor::last_output_at(AttemptName name) const {
  return means_.processes.last_output_at(name);
}

std::string LocalExecutor::last_line(AttemptName name) const {
  return means_.processes.last_line(name);
}

changes::ReadSet LocalExecutor::reads_so_far(AttemptName name) {
  const auto found = live_.find(name);
  if (found == live_.end() || found->second.state != Live::State::running) return {};
  return means_.snapshots.reads_so_far(name, means_.processes.observed(name));
}

Result<engine::Leftovers> LocalExecutor::end_leftovers(
    AttemptName name, const std::string& label, const std::optional<ProcessIdentity>& process) {
  auto left = means_.processes.end_leftovers(label, process);
  if (!left) return left;
  // Its check and merge drivers have folders of their own.
  for (std::uint32_t phase = 0; phase <= engine::kDriverPhase; ++phase)
    means_.folders.close_attempt({name.task, name.attempt, phase});
  return left;
}

std::vector<engine::AttemptReport> LocalExecutor::wait(std::optional<Time> deadline) {
  for (;;) {
    take_done();
    const bool is_news = !reports_.empty() || !hashed_.empty();
    auto reports = means_.processes.wait(is_news ? std::optional<Time>(Time{}) : deadline);
    for (engine::Report& one : reports) {
      const auto pass_on = [this](auto& report) {
        if constexpr (std::is_same_v<decltype(report), engine::Exited&>) {
          on_exited(std::move(report));
        } else {
          reports_.emplace_back(std::move(report));
        }
      };
      std::visit(pass_on, one);
    }
    // What the other thread did may come to no report: a process that it made ready tells itself.
    const bool goes_on = take_done() && reports_.empty() && hashed_.empty();
    if (!goes_on) return std::exchange(reports_, {});
  }
}

engine::FileHasher* LocalExecutor::hasher() {
  return background_ && means_.files != nullptr ? this : nullptr;
}

void LocalExecutor::hash(engine::HashRequest request) {
  const std::uint64_t number = request.number;
  auto& hashing = hashing_[number];
  hashing = std::make_unique<Hashing>(std::move(request), engine::Hashed{});
  do_beside([&files = *means_.files,
             all = hashing.get()] { all->hashed = engine::answer(all->request, files); },
            [this, number, all = hashing.get()] {
              hashed_.push_back(std::move(all->hashed));
              hashing_.erase(number);
            });
}

std::vector<engine::Hashed> LocalExecutor::take_hashed() { return std::exchange(hashed_, {}); }

void LocalExecutor::do_beside(std::function<void()> work, std::function<void()> then) {
  if (!background_) {
    work();
    if (then) then();
    return;
  }
  background_->post([this, work = std::move(work), then = std::move(then)] {
    work();
    if (!then) return;
    {
      const std::lock_guard lock(mutex_);
      done_.push_back(then);
    }
    options_.wake();
  });
}

bool LocalExecutor::take_done() {
  std::vector<std::function<void()>> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (const auto& then : done) then();
  return !done.empty();
}

void LocalExecutor::drain() {
  if (background_) background_->drain();
}

}  // namespace interlock::worker
