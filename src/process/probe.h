#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "engine/sandbox.h"
#include "process/child_program.h"

namespace interlock::process {

/// A throw-away folder in which something is tried out once; gone with this.
class Probe {
 public:
  /// Makes the folder below `folder`.
  static Result<Probe> open(const std::string& folder);
  Probe(Probe&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  ~Probe();

  const std::string& folder() const { return folder_; }
  /// A snapshot of an empty workspace in the folder; `layers` of them above it.
  Result<engine::Sandbox> snapshot(int layers) const;
  /// Runs `sh -c script` there, after `before`; an error also when it does not exit with 0.
  Result<void> run(const std::string& script, const engine::Sandbox& sandbox,
                   const HandOver* notified = nullptr, const ChildStep* before = nullptr) const;

 private:
  explicit Probe(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

/// Whether an attempt can be given mounts of its own without a user namespace: tried out in
/// `folder`.
bool may_bind(const std::string& folder);

/// Removes the folder, in which `work` was the work folder of an overlay.
void remove_with_overlay_work(const std::string& folder, const std::string& work);

/// What `act` answers in a process of its own, which ends there: an error number.
int tried_apart(const std::function<int()>& act);

}  // namespace interlock::process
