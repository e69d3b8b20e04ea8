#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "changes/changeset.h"
#include "engine/executor.h"
#include "engine/worker_ports.h"

namespace interlock::engine {

/// Something in a folder that travels. The bytes of files, and targets of links, are among the
/// job's files, by digest.
struct JobEntry {
  std::string path;      ///< Relative to the folder; "" is the folder itself.
  changes::State state;  ///< Of what an attempt left: `absent` where it deleted something.

  bool operator==(const JobEntry&) const = default;
};

/// A process of an attempt that a worker is to run.
struct JobSpec {
  /// A folder that the process finds at this path, absolute and the same on every machine.
  struct Folder {
    std::string path;
    Digest content;  ///< Of the text of its entries, which is among the job's files.
  };

  SpawnSpec spawn;
  /// Of its environment, what the dispatcher's own says: a worker puts its own in the place.
  std::vector<std::string> passed_on;
  std::vector<Folder> folders;  ///< The workspace of its snapshot first.
};

/// What came of it.
struct JobResult {
  Exited exited;
  Observed observed;
  std::optional<Digest> output;  ///< None: it printed nothing that is kept.
  std::optional<Digest> log;     ///< The bytes of its log file.
  /// What it left in its snapshot: changed, deleted, or written and yet as before. By path.
  std::vector<JobEntry> left;
  std::vector<std::string> remarks;  ///< For people.
};

/// Bytes, held by the codec's own form: names of files and output need not be UTF-8. What was not
/// written so is refused.
std::string text_of(const JobSpec& spec);
Result<JobSpec> read_job_spec(std::string_view text);
std::string text_of(const JobResult& result);
Result<JobResult> read_job_result(std::string_view text);
/// Sorted by path. None lies outside of its folder, or at or below a `.git`.
std::string text_of(const std::vector<JobEntry>& entries);
Result<std::vector<JobEntry>> read_job_entries(std::string_view text);

/// Whether a worker can run it as this machine would: work in a snapshot that nobody listens to
/// while it runs, that asks no model and no board, and needs no service of this machine. Else why
/// not, as `it asks the gateway`.
std::optional<std::string> why_not_a_job(const SpawnSpec& spec);

}  // namespace interlock::engine
