#pragma once

#include "engine/ports.h"

namespace interlock::runs {

/// A journal before another: looks at what is appended, and hands on all that is asked.
class JournalDecorator : public engine::Journal {
 public:
  explicit JournalDecorator(engine::Journal& journal) : journal_(journal) {}

  Result<std::string> blob(const Digest& digest) final { return journal_.blob(digest); }
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) final {
    return journal_.find_result(task, key);
  }
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) final {
    return journal_.latest_result(task);
  }
  Result<std::vector<engine::Request>> take_requests() final { return journal_.take_requests(); }

 protected:
  engine::Journal& journal() { return journal_; }

 private:
  engine::Journal& journal_;
};

}  // namespace interlock::runs
