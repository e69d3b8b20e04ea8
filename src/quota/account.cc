#include "quota/account.h"

#include <time.h>

#include <algorithm>

#include "quota/aimd_limit.h"
#include "quota/buckets.h"
#include "quota/gcra.h"
#include "quota/leases.h"
#include "quota/ratios.h"
#include "quota/shared_file.h"
#include "quota/wait_queue.h"
#include "quota/watch.h"

namespace interlock::quota {
namespace {

/// Refusals that come so close together are one.
constexpr Duration kCooldownLeast = std::chrono::seconds(5);
/// Who waits for another that does not come when it is due, or whose death cannot be told, looks
/// again after so long.
constexpr Moment kLookAgain = std::chrono::seconds(1);

std::int64_t nanoseconds_of(Duration duration) {
  return std::chrono::nanoseconds(duration).count();
}

Shortage short_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::requests: return Shortage::requests;
    case Dimension::input_tokens: return Shortage::input_tokens;
    case Dimension::output_tokens: return Shortage::output_tokens;
    case Dimension::usd: return Shortage::usd;
    case Dimension::tokens: return Shortage::tokens;
  }
  return Shortage::requests;
}

class SharedAccount final : public Account {
 public:
  SharedAccount(SharedFile file, Watch watch, WaitQueue queue_slots, Owner self, Duration jitter)
      : file_(std::move(file)),
        watch_(std::move(watch)),
        queue_(queue_slots),
        leases_(file_.layout(), self),
        buckets_(file_.layout(), nanoseconds_of(jitter)),
        aimd_limit_(file_.layout()),
        is_living_([this](Owner owner) { return owner == self_ || watch_.is_living(owner); }),
        self_(self) {}
  ~SharedAccount() override {
    leases_.release_all();
    file_.lock();
    queue_.unregister();
    file_.unlock();
    wake();
  }
  SharedAccount(const SharedAccount&) = delete;
  SharedAccount& operator=(const SharedAccount&) = delete;

  std::variant<Grant, Denial> ask(const Cost& cost, Moment now) override;
  void leave() override {
    if (!queue_.is_queued()) return;
    queue_.leave();
    wake();
  }
  void settle(const Grant& grant, const Cost& actual, Moment now) override {
    buckets_.settle(grant.reserved, actual, grant.lease, now);
    release(grant.lease);
  }

  void learn(const metering::LimitNews& news, Moment now) override;
  void refused(std::optional<Duration> retry_after, Moment now) override {
    if (retry_after) raise_to(layout().floor, now.count() + nanoseconds_of(*retry_after));
    aimd_limit_.cut(leases_.in_flight(),
                    std::max(retry_after.value_or(kCooldownLeast), kCooldownLeast), now);
  }
  void went_well(Moment) override {
    if (aimd_limit_.loosen(leases_.in_flight())) wake();
  }
  bool learn_window(Duration window) override {
    if (window <= Duration{} || buckets_.window() > 0) return false;
    std::int64_t none = 0;
    return at(layout().window_learned).compare_exchange_strong(none, nanoseconds_of(window));
  }
  void spent(std::optional<Moment> until) override {
    at(layout().spent).store(until ? until->count() : kNever);
    wake();
  }
  void forget_spent() override {
    at(layout().spent).store(0);
    file_.ring();  // who is denied for that does not stand in the line
  }

  double tokens_per_byte(std::string_view model, double prior) const override {
    return ratio_of(layout(), model).value_or(prior);
  }
  void learn_ratio(std::string_view model, std::size_t bytes, Tokens tokens) override {
    if (bytes > 0 && tokens > 0)
      quota::learn_ratio(layout(), model, static_cast<double>(tokens) / static_cast<double>(bytes));
  }

  int changed() const override { return watch_.descriptor(); }
  void take_changes() override { watch_.take(); }
  AccountSnapshot snapshot(Moment now) const override;

 private:
  Layout& layout() const { return file_.layout(); }
  /// Wakes those who stand in the line.
  void wake() {
    if (queue_.in_line() > 0) file_.ring();
  }
  void release(std::uint32_t lease) {
    leases_.release(lease);
    wake();
  }
  bool has_room() {
    if (leases_.in_flight() < aimd_limit_.allowed()) return true;
    leases_.take_back(is_living_);
    return leases_.in_flight() < aimd_limit_.allowed();
  }
  std::variant<Grant, Denial> attempt(const Cost& cost, Moment now);
  Denial behind(const WaitQueue::Before& before, Moment now) const {
    const bool is_reported = before.owner == self_ || watch_.will_wake(before.owner);
    if (before.owner == self_ || (is_reported && !before.due)) return {{}, Shortage::line};
    return {std::max(before.due.value_or(now), now) + kLookAgain, Shortage::line};
  }
  AccountSnapshot::One snapshot_of(Dimension dimension, Moment now) const;

  SharedFile file_;
  Watch watch_;
  WaitQueue queue_;
  Leases leases_;
  Buckets buckets_;
  AimdLimit aimd_limit_;
  IsLiving is_living_;
  Owner self_;
};

std::variant<Grant, Denial> SharedAccount::ask(const Cost& cost, Moment now) {
  file_.is_whole();
  const std::int64_t spent = at(layout().spent).load();
  if (spent > now.count())
    return Denial{spent == kNever ? std::optional<Moment>() : Moment(spent), Shortage::spent};

  // Twice at most: what changed before this one stood in the line was told to nobody.
  while (true) {
    const bool stood = queue_.is_queued();
    std::variant<Grant, Denial> answer;
    const auto before = queue_.who_is_before(is_living_, now);
    if (before) {
      answer = behind(*before, now);
    } else {
      answer = attempt(cost, now);
    }
    if (std::holds_alternative<Grant>(answer)) {
      leave();
      return answer;
    }
    if (stood) {
      if (!before) queue_.expect(std::get<Denial>(answer).until);
      return answer;
    }
    queue_.join();
  }
}

std::variant<Grant, Denial> SharedAccount::attempt(const Cost& cost, Moment now) {
  const std::int64_t floor = at(layout().floor).load();
  if (floor > now.count()) return Denial{Moment(floor), Shortage::floor};
  while (true) {
    if (!has_room()) return Denial{{}, Shortage::concurrency};
    if (const auto wait = buckets_.wait_for(cost, now))
      return Denial{wait->until, short_of(wait->what)};
    const auto lease = leases_.claim();
    if (!lease) return Denial{{}, Shortage::concurrency};
    // Two may have seen the last one free. Both step back then, and who stands first comes again.
    if (leases_.in_flight() > aimd_limit_.allowed()) {
      release(*lease);
      return Denial{{}, Shortage::concurrency};
    }
    if (buckets_.take(cost, *lease, now)) return Grant{*lease, cost};
    release(*lease);
  }
}

void SharedAccount::learn(const metering::LimitNews& news, Moment now) {
  using One = metering::LimitNews::One;
  const auto take = [&](Dimension dimension, const One& one) {
    auto limit = at(layout().learned[static_cast<std::size_t>(dimension)]);
    if (one.limit && *one.limit > 0) {
      const std::int64_t next = interval_of(Rate{*one.limit, one.per});
      // What was used before anybody counted is not known, unless the provider tells.
      if (buckets_.interval(dimension) == 0 && !one.remaining) buckets_.empty(dimension, now);
      if (limit.exchange(next) > next) wake();
    }
    if (one.remaining) buckets_.at_most(dimension, *one.remaining, now);
  };
  take(Dimension::requests, news.requests);
  take(Dimension::input_tokens, news.input_tokens);
  take(Dimension::output_tokens, news.output_tokens);
  // Anthropic's sum of the two says less than the two.
  const bool tells_apart = news.input_tokens.limit || news.output_tokens.limit;
  if (!tells_apart) take(Dimension::tokens, news.tokens);
  if (news.retry_after) raise_to(layout().floor, now.count() + nanoseconds_of(*news.retry_after));
}

Account::AccountSnapshot::One SharedAccount::snapshot_of(Dimension dimension, Moment now) const {
  AccountSnapshot::One one;
  const std::int64_t interval = buckets_.interval(dimension);
  if (interval == 0) return one;
  const auto d = static_cast<std::size_t>(dimension);
  one.limit = rate_of(interval);
  one.learned = at(layout().declared[d]).load() < interval;
  one.free = buckets_.free(dimension, now);
  return one;
}

Account::AccountSnapshot SharedAccount::snapshot(Moment now) const {
  AccountSnapshot snapshot{snapshot_of(Dimension::requests, now),
                           snapshot_of(Dimension::input_tokens, now),
                           snapshot_of(Dimension::output_tokens, now),
                           snapshot_of(Dimension::usd, now), snapshot_of(Dimension::tokens, now)};
  if (aimd_limit_.is_limited()) snapshot.concurrency = aimd_limit_.allowed();
  snapshot.in_flight = leases_.in_flight();
  snapshot.in_line = queue_.in_line();
  if (const std::int64_t floor = at(layout().floor).load(); floor > now.count())
    snapshot.floor = Moment(floor);
  if (const std::int64_t window = buckets_.window(); window > 0)
    snapshot.window = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(window));
  snapshot.spent = at(layout().spent).load() > now.count();
  return snapshot;
}

}  // namespace

Moment now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Backlog backlog_of(const std::string& file, const Limits& limits, Moment now) {
  const std::int64_t burst = std::max<std::int64_t>(nanoseconds_of(limits.burst), 1);
  const auto layout = SharedFile::look(file, burst, now.count());
  if (!layout) return {};
  const auto until = [&](std::int64_t when) {
    const Moment left(std::max<std::int64_t>(when - now.count(), 0));
    return std::chrono::ceil<Duration>(left);
  };
  const auto used = [&](Dimension dimension) {
    return until(layout->arrival[static_cast<std::size_t>(dimension)]);
  };
  const auto limit = [&](Dimension dimension) {
    const std::int64_t interval = at(layout->learned[static_cast<std::size_t>(dimension)]).load();
    return interval > 0 ? std::optional(rate_of(interval)) : std::nullopt;
  };
  const std::int64_t window = std::max<std::int64_t>(at(layout->window_learned).load(), 0);
  return {.requests = used(Dimension::requests),
          .input_tokens = used(Dimension::input_tokens),
          .output_tokens = used(Dimension::output_tokens),
          .usd = used(Dimension::usd),
          .floor = until(layout->floor),
          .window = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(window)),
          .requests_limit = limit(Dimension::requests),
          .input_tokens_limit = limit(Dimension::input_tokens),
          .output_tokens_limit = limit(Dimension::output_tokens)};
}

Result<std::unique_ptr<Account>> Account::open(const std::string& file, const Limits& limits) {
  const std::int64_t burst = std::max<std::int64_t>(nanoseconds_of(limits.burst), 1);
  auto shared = SharedFile::open_locked(file, burst, quota::now().count());
  if (!shared) return std::unexpected(shared.error());
  auto watch = Watch::open(SharedFile::wake_path(file));
  if (!watch) return std::unexpected(watch.error());
  const Owner self = this_process();
  WaitQueue queue_slots(shared->layout(), self);
  if (auto sat = queue_slots.register_self(limits, is_alive, quota::now()); !sat)
    return std::unexpected(sat.error());
  shared->remember();
  shared->unlock();
  return std::make_unique<SharedAccount>(*std::move(shared), *std::move(watch), queue_slots, self,
                                         limits.arrival_jitter);
}

}  // namespace interlock::quota
