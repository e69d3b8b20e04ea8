#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/file_hasher.h"
#include "engine/ports.h"
#include "engine/turn.h"

namespace interlock::engine {

/// What the committed files hold, hashed beside the dispatcher. What is asked for and not known yet
/// is refused, and is to be asked again in the turn in which the hasher has told it:
///
///     asked, is_asking --(post, after the transaction)--> in flight --(take)--> known
///
/// An answer holds until something starts (`forget`), or until more is committed. Nothing starts
/// (`holds_starts`) and nothing is brought into the workspace (`is_in_flight`) meanwhile, so that
/// what was hashed is what the task is going to find. Without a hasher all is known at once.
class HashedFiles final : public Workspace {
 public:
  /// `hasher` may be null.
  HashedFiles(Turn& turn, FileHasher* hasher) : turn_(turn), hasher_(hasher) {}

  Result<Digest> fingerprint(const footprint::PatternSet& patterns) override;
  Result<std::vector<CacheKeyPart>> fingerprints(const footprint::PatternSet& patterns) override;
  Result<std::vector<CacheKeyPart>> states(const changes::ReadSet& reads) override;
  /// At once: it is one file.
  Result<std::string> read(const std::string& path, std::size_t max_bytes) override;

  /// Whether it takes a turn more to know anything.
  bool is_beside() const { return hasher_ != nullptr; }
  /// Something was asked since `forget` that is not known yet.
  bool is_asking() const;
  void forget();
  bool holds_starts() const;

  /// What the task wrote is wanted, in a turn to come.
  void hash_writes(TaskId task);
  /// Tasks of which that is known by now.
  std::vector<TaskId> written() const;
  /// It, once; nothing: nobody asked.
  std::optional<Result<Digest>> take_written(TaskId task);

  bool is_in_flight() const { return !in_flight_.empty(); }
  bool is_busy() const { return is_in_flight() || !to_post_.empty(); }
  void post();
  void take();

 private:
  using Parts = Result<std::vector<CacheKeyPart>>;
  struct Asked {
    std::uint64_t number = 0;
    std::optional<Parts> answer;
  };

  Parts ask(HashRequest request, const std::string& key);
  bool is_of_writes(std::uint64_t number) const { return writes_.contains(number); }

  Turn& turn_;
  FileHasher* hasher_;
  std::uint64_t last_number_ = 0;
  std::uint32_t version_ = 0;           ///< So many commits were there when `asked_` was asked.
  std::map<std::string, Asked> asked_;  ///< By the question.
  std::vector<HashRequest> to_post_;
  std::set<std::uint64_t> in_flight_;
  std::map<std::uint64_t, TaskId> writes_;  ///< Whose writes each of these numbers is about.
  std::map<TaskId, Result<Digest>> written_;
};

}  // namespace interlock::engine
