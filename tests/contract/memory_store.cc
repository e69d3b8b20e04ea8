#include "contract/memory_store.h"

#include <algorithm>
#include <ranges>

#include "base/json.h"
#include "contract/memory_measurements.h"
#include "engine/task_index.h"
#include "journal/run_id.h"

namespace interlock::testing_support {
namespace {

std::unexpected<Error> no_run(const std::string& run) {
  return fail(Error::Kind::missing, "there is no run `" + run + "`");
}

journal::RunSummary summary_of(const MemoryRun& run) {
  journal::RunSummary summary{run.head.id,        run.head.plan_name, run.head.plan_file,
                              run.head.workspace, run.head.created,   run.events.size()};
  if (run.events.empty()) return summary;
  summary.last = run.events.back().at;
  if (const auto* ended = std::get_if<engine::RunEnded>(&run.events.back().event))
    summary.ended = *ended;
  return summary;
}

bool names_place(const MemoryRun& run, const std::string& folder) {
  const auto options = parse_json(run.head.options);
  if (!options || !options->is_object()) return false;
  const json::value* here = options->get_object().if_contains("here");
  return here != nullptr && here->is_array() &&
         std::ranges::any_of(here->get_array(),
                             [&](const json::value& one) { return one == json::value(folder); });
}

bool lies_in(const std::string& folder, const std::string& workspace) {
  return folder == workspace || folder.starts_with(workspace + "/");
}

class MemoryLease final : public journal::Lease {
 public:
  MemoryLease(MemoryRows& rows, std::string run, std::int64_t epoch)
      : rows_(rows), run_(std::move(run)), epoch_(epoch) {}
  ~MemoryLease() override {
    MemoryRun* const run = rows_.find(run_);
    if (run != nullptr && run->epoch == epoch_) run->holder.reset();
  }
  std::int64_t epoch() const override { return epoch_; }
  Result<void> held() const override { return {}; }
  void on_news(std::function<void()>) override {}

 private:
  MemoryRows& rows_;
  std::string run_;
  std::int64_t epoch_;
};

class MemoryJournal final : public journal::RunJournal, public journal::TaskIndexWriter {
 public:
  MemoryJournal(MemoryRows& rows, MemoryRun& run, std::int64_t epoch,
                std::vector<journal::TaskLabel> tasks)
      : rows_(rows),
        id_(run.head.id),
        epoch_(epoch),
        last_(run.events.size()),
        measured_({id_, run.head.plan_name, run.head.workspace}, std::move(tasks)) {}

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override {
    MemoryRun& run = *rows_.find(id_);
    if (run.epoch != epoch_ || run.events.size() != last_)
      return fail(Error::Kind::refused, "another dispatcher went on with the run");
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].seq != last_ + i + 1) return fail(Error::Kind::io, "events have gaps");
    }
    write_facts(run);
    for (const engine::RecordedEvent& recorded : events) note_standing(run, recorded.event);
    run.events.insert(run.events.end(), events.begin(), events.end());
    for (const engine::RecordedEvent& recorded : events) measured_.apply(recorded);
    keep_measured(rows_, measured_.take());
    for (const engine::Blob& blob : blobs) {
      auto& [bytes, runs] = rows_.blobs[blob.digest];
      bytes = blob.bytes;
      runs.push_back(id_);
    }
    for (const auto& [task, result] : results)
      run.results[{task, result.key}] = {++rows_.last_number, result};
    std::erase_if(run.requests, [&](const auto& one) { return one.id <= handed_out_; });
    last_ = run.events.size();
    return {};
  }

  Result<std::string> blob(const Digest& digest) override {
    return MemoryStore(rows_).blob(digest);
  }

  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override {
    return newest(
        [&](const std::string& of, const Digest& with) { return of == task && with == key; });
  }
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override {
    return newest([&](const std::string& of, const Digest&) { return of == task; });
  }

  Result<std::vector<engine::Request>> take_requests() override {
    std::vector<engine::Request> taken;
    for (const engine::Request& one : rows_.find(id_)->requests) {
      if (one.id <= handed_out_) continue;
      handed_out_ = one.id;
      taken.push_back(one);
    }
    return taken;
  }

  void add_labels(std::vector<journal::TaskLabel> tasks) override {
    measured_.add(std::move(tasks));
  }
  void keep_facts(std::size_t first, std::vector<journal::TaskFacts> tasks,
                  std::string of_run) override {
    unwritten_.push_back({first, std::move(tasks), std::move(of_run)});
  }

 private:
  struct Facts {
    std::size_t first;
    std::vector<journal::TaskFacts> tasks;
    std::string of_run;
  };

  void write_facts(MemoryRun& run) {
    for (const Facts& one : std::exchange(unwritten_, {})) {
      if (one.first == 0 && (!run.facts.empty() || run.events.empty())) {
        run.facts = one.of_run;
        run.tasks.resize(one.tasks.size());
      }
      if (run.facts.empty()) continue;
      if (!one.of_run.empty()) run.facts = one.of_run;
      for (std::size_t i = 0; i < one.tasks.size(); ++i) {
        const std::size_t number = one.first + i;
        if (run.tasks.size() <= number) run.tasks.resize(number + 1);
        journal::TaskRow& row = run.tasks[number];
        row.task = TaskId(static_cast<std::uint32_t>(number));
        row.id = one.tasks[i].id;
        row.facts = one.tasks[i].facts;
      }
    }
  }
  static void note_standing(MemoryRun& run, const engine::Event& event) {
    std::map<TaskId, engine::StandingChange> changes;
    engine::add_standing_changes(changes, event);
    for (const auto& [task, change] : changes) {
      if (task.index() >= run.tasks.size()) continue;
      journal::TaskRow& row = run.tasks[task.index()];
      row.state = change.state.value_or(row.state);
      row.at_gate = change.at_gate.value_or(row.at_gate);
    }
  }

  std::optional<engine::StoredResult> newest(const auto& matches) const {
    const std::string& workspace = rows_.find(id_)->head.workspace;
    std::pair<std::int64_t, std::optional<engine::StoredResult>> best;
    for (const MemoryRun& run : rows_.runs) {
      if (run.head.workspace != workspace) continue;
      for (const auto& [key, result] : run.results) {
        if (matches(key.first, key.second) && result.first > best.first) best = result;
      }
    }
    return best.second;
  }

  MemoryRows& rows_;
  std::string id_;
  std::int64_t epoch_;
  std::size_t last_;
  journal::Projection measured_;
  std::int64_t handed_out_ = 0;
  std::vector<Facts> unwritten_;
};

}  // namespace

MemoryRun* MemoryRows::find(const std::string& id) {
  const auto found = std::ranges::find_if(runs, [&](const auto& run) { return run.head.id == id; });
  return found == runs.end() ? nullptr : &*found;
}

Result<std::string> MemoryStore::create_run(const journal::RunHead& head, std::uint16_t random) {
  MemoryRun run;
  run.head = head;
  do {
    run.head.id = journal::make_run_id(head.created, random++);
  } while (rows_.find(run.head.id) != nullptr);
  rows_.runs.push_back(run);
  return run.head.id;
}

Result<std::vector<journal::RunSummary>> MemoryStore::runs(const journal::RunFilter& filter) {
  std::string around;
  for (const MemoryRun& run : rows_.runs) {
    if (lies_in(filter.folder, run.head.workspace) && run.head.workspace.size() > around.size())
      around = run.head.workspace;
  }
  std::vector<journal::RunSummary> list;
  for (const MemoryRun& run : rows_.runs | std::views::reverse) {
    const bool fits = (filter.workspace.empty() || run.head.workspace == filter.workspace) &&
                      (filter.folder.empty() || run.head.workspace == around ||
                       names_place(run, filter.folder)) &&
                      (!filter.begun || !run.events.empty());
    if (fits && (filter.most == 0 || list.size() < filter.most)) list.push_back(summary_of(run));
  }
  return list;
}

Result<std::string> MemoryStore::find_run(std::string_view name) {
  std::vector<std::string> ids;
  for (const MemoryRun& run : rows_.runs | std::views::reverse) ids.push_back(run.head.id);
  return journal::choose_run(name, ids);
}

Result<journal::RunSummary> MemoryStore::summary(const std::string& run) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  return summary_of(*found);
}

Result<journal::RunHead> MemoryStore::head(const std::string& run) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  return found->head;
}

Result<void> MemoryStore::replace_plan(const std::string& run, const std::string& plan_text,
                                       const std::string& files) {
  MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  found->head.plan_text = plan_text;
  found->head.files = files;
  return {};
}

Result<void> MemoryStore::prune(const std::string& run) {
  if (rows_.find(run) == nullptr) return no_run(run);
  std::erase_if(rows_.runs, [&](const MemoryRun& one) { return one.head.id == run; });
  for (auto& [digest, blob] : rows_.blobs) std::erase(blob.second, run);
  std::erase_if(rows_.blobs, [](const auto& entry) { return entry.second.second.empty(); });
  return {};
}

Result<void> MemoryStore::replay(const std::string& run, std::uint64_t after,
                                 const std::function<void(engine::RecordedEvent&&)>& visit) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  for (const engine::RecordedEvent& recorded : std::vector(found->events)) {
    if (recorded.seq > after) visit(engine::RecordedEvent(recorded));
  }
  return {};
}

Result<std::optional<journal::RunOutline>> MemoryStore::outline(const std::string& run) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  if (found->facts.empty()) return std::nullopt;
  journal::RunHead head = found->head;
  head.plan_text = head.files = head.decision = "";
  return journal::RunOutline{std::move(head), found->facts};
}

Result<std::vector<journal::TaskRow>> MemoryStore::task_rows(const std::string& run,
                                                             const journal::TaskFilter& filter) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  std::vector<journal::TaskRow> rows;
  std::size_t at_gates = 0;
  bool is_unsettled_found = !filter.first_unsettled, is_pending_found = !filter.first_pending;
  for (const journal::TaskRow& row : found->tasks) {
    bool is_wanted = std::ranges::find(filter.ids, row.id) != filter.ids.end() ||
                     std::ranges::find(filter.tasks, row.task) != filter.tasks.end();
    if (filter.at_gates && row.at_gate && ++at_gates <= filter.most_at_gates) is_wanted = true;
    if (!is_unsettled_found && row.state < engine::TaskState::done)
      is_unsettled_found = is_wanted = true;
    const bool is_pending =
        row.state < engine::TaskState::done && row.state != engine::TaskState::running;
    if (!is_pending_found && is_pending) is_pending_found = is_wanted = true;
    if (is_wanted) rows.push_back(row);
  }
  return rows;
}

Result<std::vector<engine::RecordedEvent>> MemoryStore::events_of(const std::string& run,
                                                                  std::optional<TaskId> task) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  std::vector<engine::RecordedEvent> events;
  for (const engine::RecordedEvent& recorded : found->events) {
    const auto subject = engine::subject_of(recorded.event);
    if (subject == engine::kOfRun || (task && subject == std::int64_t{task->index()}))
      events.push_back(recorded);
  }
  return events;
}

Result<std::unique_ptr<journal::RunJournal>> MemoryStore::open_run(
    const std::string& run, const journal::Lease& lease, std::vector<journal::TaskLabel> tasks) {
  MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  return std::make_unique<MemoryJournal>(rows_, *found, lease.epoch(), std::move(tasks));
}

Result<std::string> MemoryStore::blob(const Digest& digest) {
  const auto found = rows_.blobs.find(digest);
  if (found == rows_.blobs.end())
    return fail(Error::Kind::missing, "there is no content " + digest.brief());
  return found->second.first;
}

Result<std::int64_t> MemoryStore::post_request(const std::string& run,
                                               const engine::Request& request, Time) {
  MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  found->requests.push_back(request);
  return found->requests.back().id = ++rows_.last_number;
}

Result<std::vector<engine::Request>> MemoryStore::open_requests(const std::string& run) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return no_run(run);
  return found->requests;
}

Result<std::unique_ptr<journal::Lease>> MemoryStore::lease_run(const journal::Holder& holder) {
  MemoryRun* const found = rows_.find(holder.run);
  if (found == nullptr) return no_run(holder.run);
  if (found->holder)
    return fail(Error::Kind::refused, "run `" + holder.run + "` is held by run `" +
                                          found->holder->run + "` of plan `" + found->holder->plan +
                                          "`");
  found->holder = holder;
  return std::make_unique<MemoryLease>(rows_, holder.run, ++found->epoch);
}

Result<std::optional<journal::Holder>> MemoryStore::holder_of_run(const std::string& run) {
  const MemoryRun* const found = rows_.find(run);
  if (found == nullptr) return std::nullopt;
  return found->holder;
}

}  // namespace interlock::testing_support
