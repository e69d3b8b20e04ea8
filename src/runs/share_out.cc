#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "agents/adapter.h"
#include "base/text.h"
#include "engine/host_environment.h"
#include "postgres/postgres_jobs.h"
#include "process/clock.h"
#include "process/log_file.h"
#include "runs/workers.h"
#include "snapshots/job_packing.h"
#include "worker/distributed_processes.h"

// The dispatcher's side of workers.
namespace interlock::runs {

namespace {

constexpr const char* kStoreVariable = "INTERLOCK_STORE";

std::string store_in(const Environment& environment) {
  const auto found = environment.find(kStoreVariable);
  return found == environment.end() ? std::string() : found->second;
}

Result<void> has_reachable_store(const Environment& environment) {
  if (!store_in(environment).empty()) return {};
  return fail(
      Error::Kind::invalid,
      "workers need a store that they reach as well, and the journal is in a folder of this "
      "machine",
      "give `--store postgres://USER@HOST/DATABASE`");
}

std::string quoted(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) all.push_back("`" + name + "`");
  return join_words(all, 6);
}

/// What is to be said where nobody lives that could take a job; empty: somebody does.
Result<std::string> nobody_takes(const std::string& store, const std::vector<std::string>& labels) {
  const auto workers = postgres::list_workers(store);
  if (!workers) return std::unexpected(workers.error());
  const auto has_all = [&](const postgres::WorkerStatus& one) {
    return std::ranges::all_of(labels, [&](const std::string& label) {
      return std::ranges::find(one.self.labels, label) != one.self.labels.end();
    });
  };
  if (std::ranges::any_of(*workers, has_all)) return {};
  return fmt::format("no worker lives{}{}: until one comes, tasks run on this machine",
                     labels.empty()       ? ""
                     : labels.size() == 1 ? " that has the label "
                                          : " that has the labels ",
                     quoted(labels));
}

bool holds_secret(const Redaction& secrets, std::string_view text) {
  return !secrets.empty() && secrets.apply(text) != text;
}

class SharedOutByQueue final : public SharedOut {
 public:
  SharedOutByQueue(std::unique_ptr<engine::JobQueue> queue, std::vector<std::string> labels,
                   process::LocalProcesses& here, const Environment& environment,
                   const Redaction& secrets)
      : queue_(std::move(queue)),
        packing_(packing_options(environment, secrets)),
        processes_(here, *queue_, packing_, clock_,
                   processes_options(here, std::move(labels), secrets)) {}

  engine::ProcessHost& processes() override { return processes_; }

 private:
  static snapshots::SnapshotPacking::Options packing_options(const Environment& environment,
                                                             const Redaction& secrets) {
    snapshots::SnapshotPacking::Options options;
    options.environment = environment;
    options.passed_on.assign(std::begin(engine::kPassedOn), std::end(engine::kPassedOn));
    options.log_file = process::log_file_name;
    options.may_keep = [secrets](std::string_view text) { return !holds_secret(secrets, text); };
    return options;
  }
  static worker::DistributedProcesses::Options processes_options(process::LocalProcesses& here,
                                                                 std::vector<std::string> labels,
                                                                 const Redaction& secrets) {
    worker::DistributedProcesses::Options options;
    options.labels = std::move(labels);
    options.background = worker::BackgroundThread::open();
    options.wake = [&here] { here.wake(); };
    options.redact = [secrets](std::string& text) { secrets.apply_to(text); };
    options.keeps_here = [secrets](const engine::SpawnSpec& spec) {
      bool holds = holds_secret(secrets, spec.standard_input);
      for (const auto& [name, value] : spec.environment) holds |= holds_secret(secrets, value);
      for (const std::string& one : spec.arguments) holds |= holds_secret(secrets, one);
      return holds;
    };
    return options;
  }

  std::unique_ptr<engine::JobQueue> queue_;
  process::SystemClock clock_;  ///< The thread's that talks to the queue.
  snapshots::SnapshotPacking packing_;
  worker::DistributedProcesses processes_;
};

}  // namespace

std::optional<std::vector<std::string>> wanted_workers(const Environment& environment) {
  const auto found = environment.find(kWorkersVariable);
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  std::vector<std::string> labels;
  for (std::string_view rest = found->second; rest != "any" && !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    labels.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(rest.size(), comma + 1));
  }
  return labels;
}

std::optional<std::string> why_not_for_workers(const plan::Plan& plan, const plan::Task& task) {
  const plan::Agent& agent = plan.agents[task.agent.index()];
  // What a client says is read line by line, and its model calls pass the gateway of this machine.
  if (agents::adapter_for(agent) != nullptr)
    return fmt::format("`{}` is a client, whose model calls pass the gateway here", agent.name);
  if (task.isolation != plan::Isolation::view)
    return fmt::format("its isolation is `{}`, and workers do `view`",
                       plan::name_of(task.isolation));
  if (!task.board.empty()) return "it uses the board";
  if (!task.setup.empty() || !task.services.empty()) return "it has a setup or services";
  return std::nullopt;
}

Result<void> settle_workers(plan::Plan& plan, const Environment& environment) {
  const auto labels = wanted_workers(environment);
  if (!labels) return {};
  if (auto reached = has_reachable_store(environment); !reached) return reached;
  std::map<std::string, std::vector<std::string>> by_reason;
  std::size_t stay = 0;
  for (const plan::Task& task : plan.tasks) {
    const auto why = why_not_for_workers(plan, task);
    if (!why) continue;
    ++stay;
    by_reason[*why].push_back("`" + task.id + "`");
  }
  if (stay == plan.tasks.size() && stay > 0) {
    return fail(Error::Kind::refused,
                fmt::format("no task of the plan is for workers: {}: {}",
                            join_words(by_reason.begin()->second, 4), by_reason.begin()->first),
                "leave `--workers` out; docs/cluster.md says what workers do");
  }
  constexpr std::size_t kNamed = 6;
  for (const auto& [why, tasks] : by_reason) {
    plan.notes.push_back(fmt::format("{} {} on this machine: {}", join_words(tasks, kNamed),
                                     tasks.size() == 1 ? "stays" : "stay", why));
  }
  auto nobody = nobody_takes(store_in(environment), *labels);
  if (!nobody) return std::unexpected(nobody.error());
  if (!nobody->empty()) plan.notes.push_back(std::move(*nobody));
  return {};
}

Result<std::unique_ptr<SharedOut>> share_out(const Environment& environment, const std::string& run,
                                             const journal::Lease& lease,
                                             process::LocalProcesses& here,
                                             const Redaction& secrets) {
  auto labels = wanted_workers(environment);
  if (!labels) return nullptr;
  if (auto reached = has_reachable_store(environment); !reached)
    return std::unexpected(reached.error());
  auto queue = postgres::PostgresJobs::open(store_in(environment), run, lease.epoch());
  if (!queue) return std::unexpected(queue.error());
  return std::make_unique<SharedOutByQueue>(std::move(*queue), std::move(*labels), here,
                                            environment, secrets);
}

}  // namespace interlock::runs
