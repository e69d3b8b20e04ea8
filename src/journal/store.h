#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "decide/decision.h"
#include "engine/event.h"
#include "engine/ports.h"
#include "history/sample.h"

namespace interlock::journal {

class Database;
class RunJournal;

enum class Access : unsigned char {
  read,   ///< Works beside a writing dispatcher, and in a folder that may not be written.
  write,  ///< Makes the folder and the journal when they are not there.
};

/// What a run is made from: all that `resume` needs to see the same plan.
struct RunHead {
  std::string id;  ///< Given by `create_run`.
  std::string plan_name;
  std::string plan_file;  ///< As named on the command line.
  std::string workspace;  ///< Absolute.
  std::string plan_text;
  std::string files;     ///< JSON: what workspace::RecordingFiles recorded.
  std::string options;   ///< JSON: the command line's wishes.
  std::string decision;  ///< JSON: what was decided.
  Time created{};
};

/// One line of `interlock runs`.
struct RunSummary {
  std::string id, plan_name, plan_file, workspace;
  Time created{};
  std::uint64_t events = 0;
  std::optional<Time> last;  ///< Of the last event.
  std::optional<engine::RunEnded>
      ended;  ///< Nothing while a dispatcher holds it, or when that one died.
};

struct RunFilter {
  std::string workspace;  ///< Empty: any.
  std::size_t most = 0;   ///< The newest so many; 0: all.
  /// Runs that belong to this folder: those of the innermost workspace it lies in, and those whose
  /// `RunHead::options` name it in `here` (where they were started, where their plan lies).
  /// Absolute, without links; empty: any.
  std::string folder{};
  bool begun = false;  ///< Only those that a dispatcher has ever taken.
};

/// What measurements are kept under; by task, in plan order.
struct TaskLabel {
  std::string id, agent, model;
  std::string shape;      ///< See `history::Sample`; empty: the id.
  std::string account;    ///< Likewise.
  std::int64_t size = 0;  ///< Bytes of its prompt.
};

/// Which samples; empty members mean any.
struct SampleFilter {
  std::string workspace, task, agent, model, plan;
  std::optional<Time> before;  ///< Older than that.
  std::size_t most = 0;        ///< The newest so many; 0: all.
};
struct Samples {
  std::vector<history::Sample> good;  ///< Newest first.
  std::size_t damaged = 0;            ///< Rows that cannot be read, and are left out.
};

/// The state folder's journal of all runs: SQLite in WAL mode, docs/journal.md.
///
/// Contract: every call that changes something is one durable transaction. Not shared between
/// threads.
class Store {
 public:
  static Result<Store> open(const std::string& state_folder, Access access);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Adds a run and returns its id; `random` tells the runs of one day apart.
  Result<std::string> create_run(const RunHead& head, std::uint16_t random);
  /// Newest first.
  Result<std::vector<RunSummary>> runs(const RunFilter& filter = {});
  /// The id of the run a person means: see `choose_run`.
  Result<std::string> find_run(std::string_view name);
  Result<RunSummary> summary(const std::string& run);
  Result<RunHead> head(const std::string& run);
  /// Puts another plan, and what reading it saw, in the place of the run's own. The caller holds
  /// the run.
  Result<void> replace_plan(const std::string& run, const std::string& plan_text,
                            const std::string& files);

  /// The run's events after `after`, in order, one by one.
  Result<void> replay(const std::string& run, std::uint64_t after,
                      const std::function<void(engine::RecordedEvent&&)>& visit);
  Result<std::vector<engine::RecordedEvent>> events(const std::string& run,
                                                    std::uint64_t after = 0);
  Result<std::string> blob(const Digest& digest);

  /// What is known of this workspace's tasks, and of agents anywhere, from the newest samples.
  Result<decide::History> history(const std::string& workspace,
                                  const decide::SaidSlowings& said = {});
  Result<Samples> samples(const SampleFilter& filter);
  /// All of them or none. A sample of the same task, agent, model and moment is replaced.
  Result<void> add_samples(const std::vector<history::Sample>& samples,
                           const std::vector<history::Call>& calls = {});
  /// When model calls were in flight, oldest first.
  Result<std::vector<history::Call>> calls();
  /// Returns how many there were.
  Result<std::size_t> forget_samples(const SampleFilter& filter);
  /// Runs of earlier formats, of which there are no samples yet, and the samples of one of them.
  Result<std::vector<std::string>> unsampled_runs();
  Result<void> sample_run(const std::string& run, std::vector<TaskLabel> tasks);
  /// What calls of the account put out, oldest first, by model.
  Result<std::vector<std::pair<std::string, Tokens>>> past_outputs(const std::string& account);
  Result<void> keep_regret(const history::Regret& regret);
  /// Newest first; `workspace` empty: any.
  Result<std::vector<history::Regret>> regrets(const std::string& workspace);

  /// Leaves a request for whoever dispatches the run now or next; returns its number.
  Result<std::int64_t> post_request(const std::string& run, const engine::Request& request,
                                    Time at);
  /// Requests nobody has taken yet.
  Result<std::vector<engine::Request>> open_requests(const std::string& run);

  /// Forgets a run, and the blobs and results that only it has. The caller holds the run.
  Result<void> prune(const std::string& run);

  /// The engine's journal of one run. The store must outlive it.
  Result<std::unique_ptr<RunJournal>> open_run(const std::string& run,
                                               std::vector<TaskLabel> tasks);

 private:
  explicit Store(std::unique_ptr<Database> database);
  Result<std::int64_t> number_of(const std::string& run);

  std::unique_ptr<Database> database_;
};

}  // namespace interlock::journal
