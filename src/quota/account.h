#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/units.h"
#include "metering/model_call.h"

// One account's limits, shared by everybody on this machine.
namespace interlock::quota {

/// Since boot (CLOCK_BOOTTIME), so that no change of the clock lets too much through.
using Moment = std::chrono::nanoseconds;
Moment now();

/// As declared; absent: not limited in that dimension, unless the provider's headers tell.
struct Limits {
  std::optional<Rate> requests, input_tokens, output_tokens, usd;
  std::optional<Rate> tokens;  ///< Input and output together, as OpenAI counts.
  std::optional<std::int64_t> concurrency;
  Duration burst = std::chrono::seconds(6);  ///< So much of each rate may be used at once.
  /// The provider counts what came in the last `per` of each rate, at every moment, and not in
  /// buckets: never more than the amount in any window.
  bool counts_windows = false;
  /// By how much the time from an admission to the provider's counting may vary. So much of the
  /// burst is kept back, where it holds more than the draw; the rate is used in full.
  Duration arrival_jitter{};
  /// The shortest `per` of its rates; zero: it has none.
  Duration window() const;
};

/// What one request takes, as expected or as it was.
struct Cost {
  std::int64_t requests = 1;
  Tokens input_tokens = 0;
  Tokens output_tokens = 0;
  MicroUsd usd = 0;

  bool operator==(const Cost&) const = default;
};

enum class Shortage : unsigned char {
  requests,
  input_tokens,
  output_tokens,
  usd,
  tokens,
  concurrency,
  line,   ///< Others were here first.
  floor,  ///< The provider said to wait.
  spent,  ///< The provider's quota is used up, for long or for good.
};
std::string_view name_of(Shortage what);

/// One admitted request; to be settled once.
struct Grant {
  std::uint32_t lease = 0;
  Cost reserved;
};
/// Not now: ask again at `until`, or when `changed` says that something happened.
struct Denial {
  std::optional<Moment> until;  ///< None: only a change can help.
  Shortage what = Shortage::requests;
};

/// A mapped file. Lock-free; whoever dies in the middle of anything costs the others at most what
/// it had reserved, for as long as the rate takes to earn that again. All calls of one object from
/// one thread; any number of processes.
///
/// The generic cell rate algorithm (GCRA, ITU-T I.371 annex A) over all dimensions, all or none. A
/// draw larger than the burst is admitted when the bucket is full, and paid off after.
///
/// Who is denied takes a place in the line, one for each Account object, and no one behind it is
/// admitted before it: big requests are not starved by small ones. A place of a dead process is
/// nobody's.
class Account {
 public:
  /// `file` is made when it is not there (mode 0600, its folder must exist), and a companion
  /// `FILE.bell`. A new account's buckets begin full, as the provider's do; after a boot, and in a
  /// file that was lost or is no account's, empty.
  ///
  /// Of the limits that several declare, the strictest holds for all while its declarer has the
  /// account open.
  static Result<std::unique_ptr<Account>> open(const std::string& file, const Limits& limits);
  virtual ~Account() = default;

  virtual std::variant<Grant, Denial> ask(const Cost& cost, Moment now) = 0;
  /// Gives up the place in the line.
  virtual void leave() = 0;
  /// Corrects what was reserved and frees the lease. What is unknown stays as reserved: that is the
  /// caller's to say, by passing it. Of what was reserved too much, as much is given back as a
  /// bucket that had not given it could still hold.
  virtual void settle(const Grant& grant, const Cost& actual, Moment now) = 0;

  /// Headers of an answer: limits are learned where none is declared, or lower; what remains raises
  /// floors, never lowers them.
  virtual void learn(const metering::LimitNews& news, Moment now) = 0;
  /// The provider said 429 or 529: nothing before `retry_after`, and fewer at a time (the safety
  /// belt: times 0.8, at least 1).
  virtual void refused(std::optional<Duration> retry_after, Moment now) = 0;
  /// An answer came: the AIMD limit loosens by 5 % of a round while it is in use, up to the
  /// declared limit.
  virtual void went_well(Moment now) = 0;
  /// It refused what its buckets had room for, and what was used in a window says why: from now on
  /// windows of this length are kept to, by everybody. False where they were already.
  virtual bool learn_window(Duration window) = 0;
  /// No credit any more: everybody is denied with `spent` until then, or until `forget_spent`.
  virtual void spent(std::optional<Moment> until) = 0;
  virtual void forget_spent() = 0;

  /// Tokens per byte of a request's body, learned: the mean and a usual deviation, so that
  /// estimates rarely fall short. `prior` before the first.
  virtual double tokens_per_byte(std::string_view model, double prior) const = 0;
  virtual void learn_ratio(std::string_view model, std::size_t bytes, Tokens tokens) = 0;

  /// Readable when something changed that one who waits may profit from; also when a process that
  /// stands before this one, or holds a lease, has died. Always the same descriptor (to be polled,
  /// not read).
  virtual int changed() const = 0;
  virtual void take_changes() = 0;

  /// For people.
  struct AccountSnapshot {
    struct One {
      std::optional<Rate> limit;
      bool learned = false;
      double free = 1;  ///< Part of the burst that could be used now.
    };
    One requests, input_tokens, output_tokens, usd, tokens;
    std::optional<std::int64_t> concurrency;  ///< As declared, or what the AIMD limit leaves of it.
    std::int64_t in_flight = 0;
    std::uint32_t in_line = 0;
    std::optional<Moment> floor;
    bool spent = false;
    std::optional<Duration> window;  ///< Where windows of this length are kept to.
  };
  virtual AccountSnapshot snapshot(Moment now) const = 0;
};

/// What was used of an account: how long each bucket takes to be full again, and for how long
/// nothing is admitted at all.
struct Backlog {
  Duration requests{}, input_tokens{}, output_tokens{}, usd{};
  Duration floor{};
  Duration window{};  ///< Of this length are the windows that are kept to; zero: none.
  /// What the provider's headers told of its limits; nothing where they told none.
  std::optional<Rate> requests_limit{}, input_tokens_limit{}, output_tokens_limit{};

  bool operator==(const Backlog&) const = default;
};

/// What `Account::open` would find now, without opening, making or changing anything. Of a file
/// that may not be read nothing is known, and nothing is told: opening it will say why.
Backlog backlog_of(const std::string& file, const Limits& limits, Moment now);

}  // namespace interlock::quota
