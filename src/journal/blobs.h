#pragma once

#include <string>

#include "base/digest.h"
#include "base/result.h"

namespace interlock::journal {

/// Contents by digest: answers, changesets and changed bytes, traces. They are written with the
/// events that mention them (engine::Journal::append), and go with the last run that does.
class Blobs {
 public:
  virtual ~Blobs() = default;

  /// Held to its digest; `missing` where there is no such content.
  virtual Result<std::string> blob(const Digest& digest) = 0;
};

}  // namespace interlock::journal
