#pragma once

#include <utility>
#include <vector>

#include "engine/file_hasher.h"
#include "engine/ports.h"

namespace interlock::testing_support {

/// Hashes when it is told to.
class LateHasher final : public engine::FileHasher {
 public:
  explicit LateHasher(engine::Workspace& files) : files_(files) {}
  void hash(engine::HashRequest request) override { asked.push_back(std::move(request)); }
  std::vector<engine::Hashed> take_hashed() override { return std::exchange(done_, {}); }
  void work() {
    for (const engine::HashRequest& one : std::exchange(asked, {}))
      done_.push_back(engine::answer(one, files_));
  }

  std::vector<engine::HashRequest> asked;

 private:
  engine::Workspace& files_;
  std::vector<engine::Hashed> done_;
};

}  // namespace interlock::testing_support
