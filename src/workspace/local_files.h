#pragma once

#include <string>
#include <vector>

#include "plan/read.h"

namespace interlock::workspace {

/// The files a plan mentions, on this machine.
class LocalFiles final : public plan::Files {
 public:
  Result<std::string> read(const std::string& path, std::size_t max_bytes) override;
  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const footprint::PatternSet& patterns) override;
  Result<std::string> resolve_folder(const std::string& path) override;
};

}  // namespace interlock::workspace
