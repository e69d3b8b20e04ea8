#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "gateway/recording.h"

namespace interlock::gateway {

/// A folder of recordings: `TASK-DIGEST/KEY.NTH`, each file written whole or not at all. The nth
/// equal request of an attempt is the nth of that key; the same task done again overwrites what it
/// did before.
class Recordings {
 public:
  /// Makes the folder where it is missing.
  static Result<Recordings> open(std::string folder);
  /// It must be there.
  static Result<Recordings> open_for_reading(std::string folder);

  Result<void> save(const Recording& recording, std::uint32_t nth) const;
  /// Nothing: there is none. One that is damaged is an error.
  Result<std::optional<Recording>> find(const KnownRequest& request, std::uint32_t nth) const;
  /// Where the request differs first from the one that this task sent as its `ordinal`th; in words.
  std::string nearest_difference(const KnownRequest& request, std::uint32_t ordinal) const;

 private:
  explicit Recordings(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_of(const std::string& task) const;

  std::string folder_;
};

}  // namespace interlock::gateway
