#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "journal/lease.h"

namespace interlock::journal {

/// Something only one dispatcher may have, for as long as this lives. The kernel lets go of it when
/// the process dies, however it dies, so a hold is never left over.
class RunLock {
 public:
  explicit RunLock(int descriptor) : descriptor_(descriptor) {}
  ~RunLock();
  RunLock(RunLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RunLock& operator=(RunLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Holds a run: a lock on `<state>/runs/<run>/lock`, which names the holder. Refused with that name
/// when it is held.
Result<RunLock> lock_run(const std::string& state, const Holder& holder);

/// Holds a workspace: a lock on the folder itself, so that dispatchers with different state folders
/// meet as well; no file is made in it. Its holder is written below `<state>/workspaces/`.
Result<RunLock> lock_workspace(const std::string& state, const std::string& workspace,
                               const Holder& holder);

/// Writes down who has the workspace that is held already, once more is known of them.
Result<void> note_workspace_holder(const std::string& state, const std::string& workspace,
                                   const Holder& holder);

/// Who holds the run now; nothing when nobody does. Never makes a dispatcher's own `hold_run` fail.
std::optional<Holder> holder_of_run(const std::string& state, const std::string& run);

}  // namespace interlock::journal
