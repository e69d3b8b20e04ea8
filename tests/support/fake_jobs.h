#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/job_queue.h"
#include "engine/job_trees.h"
#include "support/fake_clock.h"

namespace interlock::testing_support {

/// The jobs of one run in memory, with its dispatcher's queue and any number of workers. Leases go
/// by the clock. A call can be lost on its way there, or with its answer on the way back.
class FakeJobs {
 public:
  enum class Loss : unsigned char { none, before, after };
  static constexpr Duration kTerm = std::chrono::seconds(60);
  static constexpr Duration kMargin = std::chrono::seconds(10);

  explicit FakeJobs(FakeClock& clock) : clock_(clock), files_(*this), queue_(*this) {}
  FakeJobs(const FakeJobs&) = delete;

  /// Asked at the beginning of each call, by its name. None: none is lost.
  std::function<Loss(std::string_view call)> loses;
  /// Told of each result that is accepted, with the fence it came by.
  std::function<void(std::int64_t job, std::int64_t fence)> on_finished;

  engine::JobQueue& queue() { return queue_; }
  std::unique_ptr<engine::JobSource> worker(const std::string& id,
                                            std::vector<std::string> labels = {});
  /// The fence of who has it, or had it last.
  std::int64_t fence_of(std::int64_t job) const { return rows_.at(job).fence; }

 private:
  struct Row {
    engine::JobOffer offer;
    engine::JobState state;
    std::int64_t fence = 0;
    Time expires{};
    std::optional<Duration> grace;
  };
  struct Alive {
    std::vector<std::string> labels;
    Time expires{};
  };
  class Files final : public engine::JobFiles {
   public:
    explicit Files(FakeJobs& all) : all_(all) {}
    Result<std::set<Digest>> missing(const std::vector<Digest>& digests) override;
    Result<void> put(const Digest& digest, std::string_view bytes) override;
    Result<std::string> get(const Digest& digest) override;

   private:
    FakeJobs& all_;
  };
  class Queue final : public engine::JobQueue {
   public:
    explicit Queue(FakeJobs& all) : all_(all) {}
    Result<std::size_t> free_workers(const std::vector<std::string>& labels) override;
    Result<std::int64_t> offer(const engine::JobOffer& offer) override;
    Result<void> withdraw(std::int64_t job) override;
    Result<void> ask_to_stop(std::int64_t job, Duration grace) override;
    Result<std::vector<engine::JobState>> look() override;
    engine::JobFiles& files() override { return all_.files_; }

   private:
    FakeJobs& all_;
  };
  class Worker final : public engine::JobSource {
   public:
    Worker(FakeJobs& all, std::string id) : all_(all), id_(std::move(id)) {}
    ~Worker() override { all_.workers_.erase(id_); }
    Result<void> report_alive() override;
    Result<std::optional<engine::ClaimedJob>> claim() override;
    Result<Renewed> renew(const engine::ClaimedJob& claimed,
                          const engine::JobProgress& progress) override;
    Result<bool> finish(const engine::ClaimedJob& claimed, const std::string& result) override;
    Result<void> decline(const engine::ClaimedJob& claimed, const std::string& why) override;
    Result<void> give_back(const engine::ClaimedJob& claimed) override;
    engine::JobFiles& files(const engine::ClaimedJob&) override { return all_.files_; }

   private:
    Row* held(const engine::ClaimedJob& claimed);
    Result<bool> end(std::string_view call, const engine::ClaimedJob& claimed,
                     engine::JobState::State state, const std::string& text);
    FakeJobs& all_;
    std::string id_;
  };

  template <typename T>
  Result<T> pass(std::string_view call, const std::function<Result<T>()>& act);
  Duration until() const;

  FakeClock& clock_;
  Files files_;
  Queue queue_;
  std::map<std::int64_t, Row> rows_;
  std::map<std::string, Alive> workers_;
  std::map<Digest, std::string> contents_;
  std::int64_t last_ = 0;
};

/// Takes nothing along: who dispatches and who works look at the same files.
class SharedFiles final : public engine::JobPacker, public engine::JobPlace {
 public:
  Result<engine::JobSpec> pack(const engine::SpawnSpec& spawn, engine::JobFiles& files) override;
  Result<void> unpack(const engine::SpawnSpec&, const engine::JobResult&,
                      engine::JobFiles&) override {
    return {};
  }
  Result<engine::SpawnSpec> set_up(const engine::JobSpec& spec, engine::JobFiles&) override {
    return spec.spawn;
  }
  Result<engine::JobResult> take(const engine::Exited& exited, engine::JobFiles&) override {
    engine::JobResult result;
    result.exited = exited;
    return result;
  }
  void clear() override {}
};

}  // namespace interlock::testing_support
