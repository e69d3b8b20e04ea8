#include "engine/hashed_files.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace interlock::engine {

namespace {

/// Equal for equal questions alone: no pattern and no path holds a zero byte.
std::string question_of(const footprint::PatternSet& patterns, char kind) {
  std::string key(1, kind);
  for (const footprint::Glob& one : patterns.include) key += one.text() + '\0';
  for (const footprint::Glob& one : patterns.exclude) key += '!' + one.text() + '\0';
  return key;
}

/// Of a request for one digest.
Result<Digest> only(const Result<std::vector<CacheKeyPart>>& parts) {
  if (!parts) return std::unexpected(parts.error());
  check(parts->size() == 1, "a fingerprint is one digest");
  return parts->front().digest;
}

}  // namespace

Hashed answer(const HashRequest& request, Workspace& files) {
  // The one place where questions become calls: a test's hasher and the thread's answer alike.
  switch (request.kind) {
    case HashRequest::Kind::fingerprint: {
      const Result<Digest> digest = files.fingerprint(request.patterns);
      if (!digest) return {request.number, std::unexpected(digest.error())};
      return {request.number, std::vector<CacheKeyPart>{{{}, *digest}}};
    }
    case HashRequest::Kind::fingerprints:
      return {request.number, files.fingerprints(request.patterns)};
    case HashRequest::Kind::states: break;
  }
  return {request.number, files.states(request.reads)};
}

Result<Digest> HashedFiles::fingerprint(const footprint::PatternSet& patterns) {
  // Of no pattern there is nothing to read: that is known sooner than it is asked.
  if (!is_beside() || patterns.empty()) return turn_.ports.workspace.fingerprint(patterns);
  return only(ask({0, HashRequest::Kind::fingerprint, patterns, {}}, question_of(patterns, 'w')));
}

Result<std::vector<CacheKeyPart>> HashedFiles::fingerprints(const footprint::PatternSet& patterns) {
  if (!is_beside() || patterns.empty()) return turn_.ports.workspace.fingerprints(patterns);
  return ask({0, HashRequest::Kind::fingerprints, patterns, {}}, question_of(patterns, 'r'));
}

Result<std::vector<CacheKeyPart>> HashedFiles::states(const changes::ReadSet& reads) {
  // As above: a round through another thread for nothing would cost a turn.
  const bool is_empty = reads.content.empty() && reads.listing.empty() && reads.presence.empty();
  if (!is_beside() || is_empty) return turn_.ports.workspace.states(reads);
  return ask({0, HashRequest::Kind::states, {}, reads}, 's' + changes::to_text(reads));
}

Result<std::string> HashedFiles::read(const std::string& path, std::size_t max_bytes) {
  return turn_.ports.workspace.read(path, max_bytes);
}

HashedFiles::Parts HashedFiles::ask(HashRequest request, const std::string& key) {
  // What was committed since may be among what was hashed.
  if (version_ != turn_.commits().version()) forget();
  // Not by what the commits changed: patterns and paths would have to be held against all of them.
  version_ = turn_.commits().version();
  const auto [at, is_new] = asked_.try_emplace(key);
  if (at->second.answer) {
    Parts answer = *at->second.answer;
    // An error is told once: who tries again wants the files looked at again.
    if (!answer) asked_.erase(at);
    return answer;
  }
  if (is_new) {
    request.number = at->second.number = ++last_number_;
    to_post_.push_back(std::move(request));
  }
  return fail(Error::Kind::refused, "its files are being hashed");
}

bool HashedFiles::is_asking() const {
  return std::ranges::any_of(asked_, [](const auto& one) { return !one.second.answer; });
}

/// What is in flight comes back all the same, and is nobody's then.
void HashedFiles::forget() {
  asked_.clear();
  std::erase_if(to_post_, [&](const HashRequest& one) { return !is_of_writes(one.number); });
}

bool HashedFiles::holds_starts() const {
  // What starts now might write what is being hashed for another, or change who is next.
  if (!std::ranges::all_of(in_flight_, [&](auto number) { return is_of_writes(number); }))
    return true;
  // Who works in the workspace itself has to find there what is committed, and that waits.
  return is_busy() && turn_.run().checkpointed != turn_.run().commits.size();
}

void HashedFiles::hash_writes(TaskId task) {
  writes_.emplace(++last_number_, task);
  to_post_.push_back(
      {last_number_, HashRequest::Kind::fingerprint, turn_.task(task).footprint.writes, {}});
}

std::vector<TaskId> HashedFiles::written() const {
  std::vector<TaskId> tasks;
  for (const auto& [task, digest] : written_) tasks.push_back(task);
  return tasks;
}

std::optional<Result<Digest>> HashedFiles::take_written(TaskId task) {
  const auto found = written_.extract(task);
  return found ? std::optional(std::move(found.mapped())) : std::nullopt;
}

void HashedFiles::post() {
  // All of one turn together: they are answered while nothing else is asked for.
  for (HashRequest& one : std::exchange(to_post_, {})) {
    in_flight_.insert(one.number);
    hasher_->hash(std::move(one));
  }
}

void HashedFiles::take() {
  if (!is_beside()) return;
  for (Hashed& one : hasher_->take_hashed()) {
    in_flight_.erase(one.number);
    // Known until its attempt ends with it, whatever is forgotten meanwhile.
    if (const auto task = writes_.extract(one.number)) {
      written_.insert_or_assign(task.mapped(), only(one.parts));
      continue;
    }
    // At most a few: those of one start, or of one batch.
    for (auto& [key, asked] : asked_) {
      if (asked.number == one.number) asked.answer = std::move(one.parts);
    }
  }
}

}  // namespace interlock::engine
