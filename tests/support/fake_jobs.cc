#include "support/fake_jobs.h"

#include <algorithm>

namespace interlock::testing_support {

using engine::ClaimedJob;
using engine::JobState;
using State = engine::JobState::State;

template <typename T>
Result<T> FakeJobs::pass(std::string_view call, const std::function<Result<T>()>& act) {
  const Loss loss = loses ? loses(call) : Loss::none;
  if (loss == Loss::before) return fail(Error::Kind::io, "the store cannot be reached");
  auto answer = act();
  if (loss == Loss::after) return fail(Error::Kind::io, "no answer came");
  return answer;
}

namespace {

bool has_all(const std::vector<std::string>& labels, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& one) {
    return std::ranges::find(labels, one) != labels.end();
  });
}

}  // namespace

Duration FakeJobs::until() const { return (clock_.now() + kTerm - kMargin).time_since_epoch(); }

std::unique_ptr<engine::JobSource> FakeJobs::worker(const std::string& id,
                                                    std::vector<std::string> labels) {
  workers_[id] = {std::move(labels), clock_.now() + kTerm};
  return std::make_unique<Worker>(*this, id);
}

Result<std::set<Digest>> FakeJobs::Files::missing(const std::vector<Digest>& digests) {
  return all_.pass<std::set<Digest>>("missing", [&] {
    std::set<Digest> missing;
    for (const Digest& digest : digests) {
      if (!all_.contents_.contains(digest)) missing.insert(digest);
    }
    return missing;
  });
}

Result<void> FakeJobs::Files::put(const Digest& digest, std::string_view bytes) {
  return all_.pass<void>("put", [&] {
    all_.contents_.emplace(digest, bytes);
    return Result<void>();
  });
}

Result<std::string> FakeJobs::Files::get(const Digest& digest) {
  return all_.pass<std::string>("get", [&]() -> Result<std::string> {
    const auto found = all_.contents_.find(digest);
    if (found == all_.contents_.end()) return fail(Error::Kind::missing, "there is no such file");
    return found->second;
  });
}

Result<std::size_t> FakeJobs::Queue::free_workers(const std::vector<std::string>& labels) {
  return all_.pass<std::size_t>("free_workers", [&] {
    std::size_t free = 0, offered = 0;
    for (const auto& [id, worker] : all_.workers_) {
      const bool is_busy = std::ranges::any_of(all_.rows_, [&](const auto& one) {
        return one.second.state.state == State::claimed && one.second.state.worker == id;
      });
      if (worker.expires > all_.clock_.now() && !is_busy && has_all(worker.labels, labels)) ++free;
    }
    for (const auto& [job, row] : all_.rows_) offered += row.state.state == State::offered ? 1 : 0;
    return Result<std::size_t>(free > offered ? free - offered : 0);
  });
}

Result<std::int64_t> FakeJobs::Queue::offer(const engine::JobOffer& offer) {
  return all_.pass<std::int64_t>("offer", [&] {
    Row& row = all_.rows_[++all_.last_];
    row.offer = offer;
    row.state.job = all_.last_;
    return Result<std::int64_t>(all_.last_);
  });
}

Result<void> FakeJobs::Queue::withdraw(std::int64_t job) {
  return all_.pass<void>("withdraw", [&] {
    all_.rows_.erase(job);
    return Result<void>();
  });
}

Result<void> FakeJobs::Queue::ask_to_stop(std::int64_t job, Duration grace) {
  return all_.pass<void>("ask_to_stop", [&] {
    if (const auto found = all_.rows_.find(job); found != all_.rows_.end())
      found->second.grace = grace;
    return Result<void>();
  });
}

Result<std::vector<JobState>> FakeJobs::Queue::look() {
  return all_.pass<std::vector<JobState>>("look", [&] {
    std::vector<JobState> states;
    for (auto& [job, row] : all_.rows_) {
      if (row.state.state == State::claimed && row.expires < all_.clock_.now()) {
        row.state.state = State::offered;
        row.state.progress = {};
      }
      states.push_back(row.state);
    }
    return Result<std::vector<JobState>>(std::move(states));
  });
}

Result<void> FakeJobs::Worker::report_alive() {
  return all_.pass<void>("report_alive", [&] {
    all_.workers_[id_].expires = all_.clock_.now() + kTerm;
    return Result<void>();
  });
}

Result<std::optional<ClaimedJob>> FakeJobs::Worker::claim() {
  using Claimed = std::optional<ClaimedJob>;
  return all_.pass<Claimed>("claim", [&] {
    for (auto& [job, row] : all_.rows_) {
      if (row.state.state != State::offered ||
          !has_all(all_.workers_[id_].labels, row.offer.labels))
        continue;
      row.state.state = State::claimed;
      row.state.worker = id_;
      row.state.progress = {};
      row.expires = all_.clock_.now() + kTerm;
      return Result<Claimed>(ClaimedJob{job, ++row.fence, row.offer.spec, all_.until()});
    }
    return Result<Claimed>(std::nullopt);
  });
}

FakeJobs::Row* FakeJobs::Worker::held(const ClaimedJob& claimed) {
  const auto found = all_.rows_.find(claimed.job);
  return found == all_.rows_.end() || found->second.fence != claimed.fence ? nullptr
                                                                           : &found->second;
}

Result<engine::JobSource::Renewed> FakeJobs::Worker::renew(const ClaimedJob& claimed,
                                                           const engine::JobProgress& progress) {
  return all_.pass<Renewed>("renew", [&] {
    Row* const row = held(claimed);
    if (row == nullptr || row->state.state != State::claimed)
      return Result<Renewed>(Renewed{false, {}, {}});
    row->expires = all_.clock_.now() + kTerm;
    all_.workers_[id_].expires = row->expires;
    row->state.progress = progress;
    return Result<Renewed>(Renewed{true, row->grace, all_.until()});
  });
}

Result<bool> FakeJobs::Worker::end(std::string_view call, const ClaimedJob& claimed, State state,
                                   const std::string& text) {
  return all_.pass<bool>(call, [&] {
    Row* const row = held(claimed);
    if (row == nullptr || (row->state.state != State::claimed && row->state.state != state))
      return Result<bool>(false);
    const bool is_new = row->state.state == State::claimed;
    row->state.state = state;
    row->state.text = text;
    if (is_new && state == State::finished && all_.on_finished)
      all_.on_finished(claimed.job, claimed.fence);
    return Result<bool>(true);
  });
}

Result<bool> FakeJobs::Worker::finish(const ClaimedJob& claimed, const std::string& result) {
  return end("finish", claimed, State::finished, result);
}

Result<void> FakeJobs::Worker::decline(const ClaimedJob& claimed, const std::string& why) {
  auto said = end("decline", claimed, State::declined, why);
  if (!said) return std::unexpected(said.error());
  return {};
}

Result<void> FakeJobs::Worker::give_back(const ClaimedJob& claimed) {
  auto said = end("give_back", claimed, State::offered, {});
  if (!said) return std::unexpected(said.error());
  return {};
}

Result<engine::JobSpec> SharedFiles::pack(const engine::SpawnSpec& spawn, engine::JobFiles& files) {
  engine::JobSpec spec;
  spec.spawn = spawn;
  const std::string text = engine::text_of(std::vector<engine::JobEntry>());
  if (auto put = files.put(digest_of(text), text); !put) return std::unexpected(put.error());
  spec.folders.push_back({spawn.sandbox->snapshot->at, digest_of(text)});
  return spec;
}

}  // namespace interlock::testing_support
