#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "footprint/glob.h"
#include "plan/plan.h"

namespace interlock::plan {

/// The files a plan mentions: prompts, schemas, what `foreach` matches. Real in workspace/, a map
/// in tests.
class Files {
 public:
  virtual ~Files() = default;

  /// The whole file; at most `max_bytes`, else an error that says so.
  virtual Result<std::string> read(const std::string& path, std::size_t max_bytes) = 0;
  /// Regular files below `folder` that match, as paths relative to it, sorted by bytes. `.git` is
  /// not entered.
  virtual Result<std::vector<std::string>> matching(const std::string& folder,
                                                    const footprint::PatternSet& patterns) = 0;
  /// The absolute path with symbolic links resolved; an error where it is no folder.
  virtual Result<std::string> resolve_folder(const std::string& path) = 0;
};

/// One thing that is wrong with a plan.
struct Problem {
  Place place;
  std::string message;    ///< One line, no full stop: ``unknown key `prompts` ``.
  std::string hint;       ///< ``did you mean `prompt`?``; may be empty.
  std::string line_text;  ///< The line itself, cut to what fits a screen, control characters shown.
  std::uint32_t caret =
      0;  ///< Column in `line_text` (from 0, in terminal columns) where the caret goes.
  std::uint32_t length = 1;  ///< How many columns it underlines.

  bool operator==(const Problem&) const = default;
};

/// All problems of a document, as a person reads them:
///
///     plan.yaml:7:5: error: unknown key `prompts`
///         7 |     prompts: Read src
///           |     ^~~~~~~
///       hint: did you mean `prompt`?
std::string render(const std::vector<Problem>& problems, const std::string& file);

struct ReadOptions {
  std::string file;    ///< Name for messages.
  std::string folder;  ///< The plan's own folder: paths in the plan are relative to it.
  std::map<std::string, std::string>
      set;  ///< `--set key=value`: fills `{key}` anywhere in the plan's strings, and dotted keys
            ///< such as `limits.parallel` replace that value.
  std::vector<Isolation> isolation;  ///< `--isolation`: instead of what tasks and defaults say;
                                     ///< what will do after what is wanted.
  /// By number, in document order, of a `foreach` over an output: its items, each as JSON. What of
  /// them is not known yet is left open.
  std::map<std::uint32_t, std::vector<std::string>> items;
  bool may_grow = false;  ///< A plan to which tasks are added later may have none.
};

struct ReadResult {
  Plan plan;
  std::vector<Problem>
      problems;  ///< In document order; the plan is usable only when there are none.
};

/// How long a plan's text may be.
std::size_t max_plan_bytes();

/// Reads a plan document (YAML 1.2 or JSON). Bounded in time and memory whatever the bytes are:
/// at most 64 MiB, or 256 MiB of JSON without faults, 64 deep, 20 million nodes, aliases expanded
/// at most 1 million nodes in all.
ReadResult read_plan(std::string_view text, const ReadOptions& options, Files& files);

}  // namespace interlock::plan
