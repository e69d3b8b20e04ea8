#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "changes/changeset.h"
#include "engine/ports.h"
#include "snapshots/baseline.h"
#include "snapshots/durable.h"
#include "snapshots/layout.h"

namespace interlock::snapshots {

/// What is known of an attempt's snapshot and changes. What must outlive the dispatcher is in its
/// folder as well.
///
///     open -> harvested -> committed -> folded
struct Attempt {
  enum class Stage : unsigned char { open, harvested, committed, checkpointed };

  engine::AttemptName name;  ///< Of phase 0.
  plan::Isolation isolation = plan::Isolation::view;
  std::set<std::string> seen;  ///< The layers it saw when it began, by folder name.
  std::int64_t stamp_ns = 0;   ///< When that was, as the file system counts.
  std::string base;            ///< A worktree's snapshot commit.
  /// What the workspace held then; none of one that was taken up.
  std::shared_ptr<const Baseline> baseline;
  std::size_t checkpoints_before = 0;  ///< So many checkpoints of this dispatcher came before it.
  Stage stage = Stage::open;
  changes::Changeset changes;
};

Result<void> write_record(const Layout& layout, const Attempt& attempt);
/// The attempt as its folder has it; open, or harvested when its changes are there.
Result<Attempt> read_attempt(const Layout& layout, engine::AttemptName name);
Result<void> write_changes(const Layout& layout, const Attempt& attempt, const Synced& synced = {});

/// The attempt a folder is of, when it is of one.
std::optional<engine::AttemptName> name_from(const std::string& folder_name);

}  // namespace interlock::snapshots
