#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "changes/read_set.h"
#include "engine/event.h"
#include "footprint/glob.h"

namespace interlock::engine {

class Workspace;

/// A question of `Workspace` that is answered by reading files.
struct HashRequest {
  enum class Kind : unsigned char { fingerprint, fingerprints, states };
  std::uint64_t number = 0;  ///< By which its answer is told.
  Kind kind = Kind::fingerprints;
  footprint::PatternSet patterns;  ///< Of the first two.
  changes::ReadSet reads;          ///< Of `states`.
};

struct Hashed {
  std::uint64_t number = 0;
  Result<std::vector<CacheKeyPart>> parts;  ///< Of `fingerprint` one, without a name.
};

/// What `files` says to it.
Hashed answer(const HashRequest& request, Workspace& files);

/// Hashes files beside the dispatcher.
///
/// Contract:
///   - each `hash` leads to exactly one Hashed, and the inbox's `wait` returns for it;
///   - they are told of files as they are at some moment in between: who changes them meanwhile
///   throws the answer away.
class FileHasher {
 public:
  virtual ~FileHasher() = default;
  virtual void hash(HashRequest request) = 0;
  /// All that was told since the last call.
  virtual std::vector<Hashed> take_hashed() = 0;
};

}  // namespace interlock::engine
