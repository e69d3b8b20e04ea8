#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "journal/lease.h"
#include "postgres/connection.h"

namespace interlock::postgres {

/// What a lease goes by. `INTERLOCK_LEASE` says how long a dispatcher that is not heard of keeps
/// its run (a duration of at least `kShortest`; 60 s where it says nothing).
struct LeaseTimes {
  static constexpr Duration kUsual = std::chrono::seconds(60), kShortest = std::chrono::seconds(9);

  Duration term = kUsual;

  /// How long before the end a dispatcher takes its run for lost: by the end its attempts are over.
  Duration margin() const { return std::max<Duration>(std::chrono::seconds(4), term / 6); }
  Duration between_renewals() const { return term / 6; }
};
Result<LeaseTimes> lease_times();

/// Until when a lease lasts, for those who write under it; belongs to the store. Shared between
/// threads.
struct LeaseTerm {
  std::mutex mutex;
  std::chrono::microseconds until{};  ///< By `uptime`, the margin taken off.
  bool is_taken = false;              ///< By another dispatcher.
  bool is_over = false;               ///< It was given back.
};

/// This process, so that another on this machine can tell that it is dead.
std::string own_process();
/// Whether `process` was of this machine, since it was started, and is no more. Of another machine
/// nobody knows.
bool is_known_dead(std::string_view process);

std::string text_of(const journal::Holder& holder);
journal::Holder holder_of(std::string_view text);

/// A row that a thread of its own renews, which also listens for requests.
///
/// The term counts from before a renewal was sent, by a clock that runs on while the machine
/// sleeps: the server's count, which began later, is never over before ours.
class RowLease final : public journal::Lease {
 public:
  /// Takes the run where nobody has it. `number`: of its row; `term` outlives the lease.
  static Result<std::unique_ptr<RowLease>> take(const StoreUrl& url, std::int64_t number,
                                                const journal::Holder& holder, LeaseTerm& term);
  /// Gives the run back where the server can be reached.
  ~RowLease() override;

  std::int64_t epoch() const override { return epoch_; }
  Result<void> held() const override;
  void on_news(std::function<void()> call) override;

 private:
  RowLease(std::unique_ptr<Connection> connection, LeaseTimes times, std::int64_t run,
           std::int64_t epoch, LeaseTerm& term);
  void renew_until_stopped();
  bool renew();
  bool has_new_request();
  void report_news();

  std::unique_ptr<Connection> connection_;  ///< The thread's.
  std::string name_;                        ///< Of the store.
  LeaseTimes times_;
  std::int64_t run_, epoch_;
  LeaseTerm& term_;
  std::int64_t last_request_ = 0;
  std::mutex mutex_;
  std::function<void()> call_;
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace interlock::postgres
