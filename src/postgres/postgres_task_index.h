#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/task_index.h"
#include "journal/task_index.h"
#include "postgres/connection.h"

namespace interlock::postgres {

/// How a run's tasks stand, as its dispatcher writes it with the events it is made of.
class PostgresTaskIndex {
 public:
  explicit PostgresTaskIndex(std::int64_t run) : run_(run) {}
  /// Whether one is kept, and of which facts.
  Result<void> open(Connection& connection);

  /// What one append writes, made once however often it is tried.
  struct Changes {
    std::vector<journal::UnwrittenFacts> facts;
    std::vector<std::int64_t> tasks, states, gates;  ///< `kSame` where that stays as it was.
    bool is_kept = false;
    std::string digest;

    /// Whether more than the standings of known tasks changes.
    bool has_facts() const { return !facts.empty(); }
  };
  static constexpr std::int64_t kSame = -1;

  void keep(journal::UnwrittenFacts facts) { unwritten_.push_back(std::move(facts)); }
  Changes changes_of(std::span<const engine::RecordedEvent> events, std::uint64_t after) const;
  /// Facts, then how the tasks stand, within the transaction that is open.
  Outcome<void> write(Connection& connection, const Changes& changes) const;
  void written(const Changes& changes);

 private:
  Outcome<void> write_tasks(Connection& connection, const journal::UnwrittenFacts& facts) const;
  Outcome<void> write_of_run(Connection& connection, const journal::UnwrittenFacts& facts,
                             const std::string& digest) const;

  std::int64_t run_;
  bool is_kept_ = false;
  std::string digest_;
  std::vector<journal::UnwrittenFacts> unwritten_;
};

std::vector<journal::TaskRow> task_rows_in(const Rows& rows);

}  // namespace interlock::postgres
