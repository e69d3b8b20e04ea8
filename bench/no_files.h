#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/read.h"

namespace interlock::bench {

/// A workspace without any file.
class NoFiles final : public plan::Files {
 public:
  Result<std::string> read(const std::string& path, std::size_t) override {
    return fail(Error::Kind::missing, path);
  }
  Result<std::vector<std::string>> matching(const std::string&,
                                            const footprint::PatternSet&) override {
    return std::vector<std::string>();
  }
  Result<std::string> resolve_folder(const std::string& path) override { return path; }
};

}  // namespace interlock::bench
