#pragma once

#include <string>
#include <vector>

#include "changes/changeset.h"

namespace interlock::workspace {

/// A changeset that is committed and not yet in the workspace folder.
struct Layer {
  std::string after;  ///< The folder that holds what it left, each path at its own place.
  const changes::Changeset* changes = nullptr;
};

/// Who knows the layers upon a workspace.
class Layers {
 public:
  virtual ~Layers() = default;
  /// In the order of their commits.
  virtual std::vector<Layer> uncheckpointed() const = 0;
};

}  // namespace interlock::workspace
