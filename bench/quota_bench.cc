// How much of a binding quota is used, and how often the provider refuses, over simulated minutes.
//
//   quota_bench [--json] [MINUTES [SEEDS]]        (20 3)
//
// A client with more work than the quota lets through, on a clock that is only counted: nobody
// waits. The provider is that of our tests, which shares no code with the gate: buckets of requests
// and of input tokens that fill continuously, each as large as a minute's worth. Calls are on
// their way for some milliseconds, take some seconds, and estimates of their tokens are off by a
// few percent. Contenders: our rate gate (quota::Account, as the gateway asks it); check, then
// debit: whether there is room is read from a bucket of the client's own, which is debited with the
// call's usage when its answer is there, each caller for itself, as many at once as the pool has;
// and an adaptive limit (AIMD) as inspect_ai documents it: from 20 at a time, between 10 and 100,
// doubled each clean round until the first refusal, then 5 % a round, times 0.8 once an episode
// with 15 s to calm down.
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "bench/samples.h"
#include "endpoint/quota.h"
#include "quota/account.h"

namespace interlock {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRequestsAMinute = 300;
constexpr std::int64_t kInputAMinute = 400'000;
constexpr std::size_t kPool = 100;
/// So that tokens bind: a minute of such requests would take a fifth more than flows in.
constexpr double kMedianInput = 1'400;

struct Call {
  Tokens estimated = 0, input = 0;
  Duration way{}, takes{};  ///< To the provider, and there.
  int refusals = 0;
};

/// Virtual time: what is due is done in its order.
class Timeline {
 public:
  Time now() const { return now_; }
  void after(Duration span, std::function<void()> act) {
    due_.push({now_ + span, ++number_, std::move(act)});
  }
  void run_until(Time end) {
    while (!due_.empty() && due_.top().at <= end) {
      Due next = due_.top();
      due_.pop();
      now_ = next.at;
      next.act();
    }
    now_ = end;
  }

 private:
  struct Due {
    Time at;
    std::uint64_t number;
    std::function<void()> act;
    bool operator<(const Due& other) const {
      return std::pair(at, number) > std::pair(other.at, other.number);
    }
  };
  std::priority_queue<Due> due_;
  std::uint64_t number_ = 0;
  Time now_{24h};
};

/// Who decides when a call may go.
class Controller {
 public:
  virtual ~Controller() = default;
  /// Nothing: go. Else ask again then, or when something ended.
  virtual std::optional<Duration> ask(const Call& call, std::size_t in_flight) = 0;
  virtual void answered(const Call& call, std::size_t in_flight) = 0;
  virtual void refused(const Call& call, Duration retry_after, std::size_t in_flight) = 0;
  /// Whether a call that was refused keeps its place while it backs off, and goes again unasked.
  virtual bool keeps_place() const { return false; }
};

class RateGate final : public Controller {
 public:
  RateGate(Timeline& timeline, const std::string& file) : timeline_(timeline) {
    quota::Limits limits;
    limits.requests = Rate{kRequestsAMinute, 60s};
    limits.input_tokens = Rate{kInputAMinute, 60s};
    limits.arrival_jitter = 100ms;
    account_ = *quota::Account::open(file, limits);
    // A file is opened at the machine's time; from an hour later on its buckets are full.
    begin_ = quota::now() + 1h - std::chrono::nanoseconds(timeline.now().time_since_epoch());
  }
  std::optional<Duration> ask(const Call& call, std::size_t) override {
    const auto answer = account_->ask({1, call.estimated, 0, 0}, now());
    if (const auto* grant = std::get_if<quota::Grant>(&answer)) {
      grants_.push_back({call.input, *grant});
      return {};
    }
    const auto& denial = std::get<quota::Denial>(answer);
    if (!denial.until) return 1s;
    return std::max<Duration>(std::chrono::ceil<Duration>(*denial.until - now()), 1us);
  }
  void answered(const Call& call, std::size_t) override {
    settle(call, call.input);
    account_->went_well(now());
  }
  void refused(const Call& call, Duration retry_after, std::size_t) override {
    settle(call, 0);
    account_->refused(retry_after, now());
  }

 private:
  quota::Moment now() const { return begin_ + timeline_.now().time_since_epoch(); }
  void settle(const Call& call, Tokens input) {
    const auto found = std::ranges::find(grants_, call.input, &Granted::input);
    check(found != grants_.end(), "who was let through is settled once");
    account_->settle(found->grant, {1, input, 0, 0}, now());
    grants_.erase(found);
  }
  struct Granted {
    Tokens input;
    quota::Grant grant;
  };
  Timeline& timeline_;
  std::unique_ptr<quota::Account> account_;
  quota::Moment begin_{};
  std::vector<Granted> grants_;  ///< In flight; told apart by what they take.
};

class CheckThenDebit final : public Controller {
 public:
  explicit CheckThenDebit(Timeline& timeline) : timeline_(timeline) {}

  std::optional<Duration> ask(const Call& call, std::size_t) override {
    fill();
    if (timeline_.now() < not_before_) return not_before_ - timeline_.now();
    const double requests = 1 - requests_, input = static_cast<double>(call.estimated) - input_;
    if (requests <= 0 && input <= 0) return {};
    const double minutes = std::max(requests / kRequestsAMinute, input / kInputAMinute);
    return Duration(static_cast<std::int64_t>(std::ceil(minutes * 60e6)) + 1);
  }
  void answered(const Call& call, std::size_t) override {
    fill();
    requests_ -= 1;
    input_ -= static_cast<double>(call.input);
  }
  void refused(const Call&, Duration retry_after, std::size_t) override {
    not_before_ = std::max(not_before_, timeline_.now() + retry_after);
  }

 private:
  void fill() {
    const double minutes = to_seconds(timeline_.now() - filled_) / 60;
    filled_ = timeline_.now();
    requests_ = std::min<double>(kRequestsAMinute, requests_ + kRequestsAMinute * minutes);
    input_ = std::min<double>(kInputAMinute, input_ + kInputAMinute * minutes);
  }
  Timeline& timeline_;
  Time filled_{timeline_.now()}, not_before_{};
  double requests_ = kRequestsAMinute, input_ = kInputAMinute;
};

class Adaptive final : public Controller {
 public:
  explicit Adaptive(Timeline& timeline) : timeline_(timeline) {}

  std::optional<Duration> ask(const Call&, std::size_t in_flight) override {
    if (timeline_.now() < not_before_) return not_before_ - timeline_.now();
    if (static_cast<double>(in_flight) + 1 > limit_) return 1s;
    peak_ = std::max(peak_, in_flight + 1);
    return {};
  }
  void answered(const Call&, std::size_t in_flight) override {
    if (++good_ < std::max(limit_, 4.0)) return;
    // A round is over: it grows where it was used, and not while a refusal is calming down.
    if (timeline_.now() >= calm_at_ && static_cast<double>(peak_) >= 0.8 * limit_)
      limit_ = std::min(was_cut_ ? limit_ * 1.05 : limit_ * 2, 100.0);
    good_ = 0;
    peak_ = in_flight;
  }
  void refused(const Call&, Duration retry_after, std::size_t) override {
    const Time now = timeline_.now();
    if (now >= calm_at_) {
      limit_ = std::max(limit_ * 0.8, 10.0);
      calm_at_ = now + 15s;
    }
    was_cut_ = true;
    good_ = 0;
    calm_at_ = std::max(calm_at_, now + retry_after);
    not_before_ = std::max(not_before_, timeline_.now() + retry_after);
  }
  bool keeps_place() const override { return true; }

 private:
  Timeline& timeline_;
  double limit_ = 20, good_ = 0;
  std::size_t peak_ = 0;
  bool was_cut_ = false;
  Time calm_at_{}, not_before_{};
};

class World {
 public:
  World(std::uint32_t seed) : random_(seed) {
    endpoint::Limits limits;
    limits.requests = endpoint::Bucket{kRequestsAMinute, 60s};
    limits.input_tokens = endpoint::Bucket{kInputAMinute, 60s};
    provider_ = std::make_unique<endpoint::Quota>(limits);
  }
  Timeline& timeline() { return timeline_; }

  void run(Controller& controller, Duration span) {
    const Time end = timeline_.now() + span;
    for (std::size_t i = 0; i < kPool; ++i) queue(controller, drawn());
    timeline_.run_until(end);
    span_ = span;
  }
  /// Of the dimension that was used most, what came through of all that flowed in. The bucket that
  /// was full at the beginning comes on top of it, for who uses that.
  double share() const {
    const double minutes = to_seconds(span_) / 60;
    return std::max(static_cast<double>(admitted_) / (kRequestsAMinute * minutes),
                    static_cast<double>(input_) / (kInputAMinute * minutes));
  }
  double refusals() const { return static_cast<double>(refused_); }
  double answers() const { return static_cast<double>(answers_); }

 private:
  Call drawn() {
    std::lognormal_distribution<double> input(std::log(kMedianInput), 0.5), takes(std::log(6), 0.5);
    std::uniform_real_distribution<double> way(5, 80), off(1.0, 1.06);
    Call call;
    call.input = static_cast<Tokens>(input(random_)) + 1;
    call.estimated = static_cast<Tokens>(static_cast<double>(call.input) * off(random_));
    call.way = Duration(static_cast<std::int64_t>(way(random_) * 1000));
    call.takes = Duration(static_cast<std::int64_t>(takes(random_) * 1e6));
    return call;
  }
  /// Nobody passes those who wait.
  void queue(Controller& controller, const Call& call) {
    if (waiting_.empty()) return work(controller, call);
    waiting_.push_back([this, &controller, call] { work(controller, call); });
  }
  void work(Controller& controller, const Call& call) {
    if (const auto wait = controller.ask(call, in_flight_)) {
      waiting_.push_back([this, &controller, call] { work(controller, call); });
      return wake_after(*wait);
    }
    ++in_flight_;
    timeline_.after(call.way, [this, &controller, call] { arrive(controller, call); });
  }
  void arrive(Controller& controller, const Call& call) {
    if (const auto wait = provider_->admit({call.input, 0}, timeline_.now())) {
      ++refused_;
      if (!controller.keeps_place()) --in_flight_;
      controller.refused(call, std::chrono::ceil<std::chrono::seconds>(*wait), in_flight_);
      Call again = call;
      const Duration pause = pause_after(++again.refusals, *wait);
      timeline_.after(pause, [this, &controller, again] {
        controller.keeps_place() ? arrive(controller, again) : queue(controller, again);
      });
      return;
    }
    ++admitted_;
    input_ += call.input;
    timeline_.after(call.takes, [this, &controller, call] {
      provider_->settle({call.input, 0}, 0, timeline_.now());
      --in_flight_;
      ++answers_;
      controller.answered(call, in_flight_);
      queue(controller, drawn());
      ask_again();
    });
  }
  /// As clients do it: what the provider said, in whole seconds, and a back-off that doubles.
  Duration pause_after(int refusals, Duration retry_after) {
    std::uniform_real_distribution<double> jitter(0.5, 1);
    const double back_off = std::min(60.0, std::ldexp(1.0, std::min(refusals, 7) - 1));
    return std::chrono::ceil<std::chrono::seconds>(retry_after) +
           Duration(static_cast<std::int64_t>(back_off * jitter(random_) * 1e6));
  }
  void wake_after(Duration span) {
    const Time at = timeline_.now() + span;
    if (at >= next_look_ && next_look_ > timeline_.now()) return;
    next_look_ = at;
    timeline_.after(span, [this] { ask_again(); });
  }
  /// In the order in which they came.
  void ask_again() {
    std::deque<std::function<void()>> asking = std::exchange(waiting_, {});
    while (!asking.empty()) {
      const auto next = std::move(asking.front());
      asking.pop_front();
      const std::size_t before = waiting_.size();
      next();
      if (waiting_.size() > before) break;
    }
    for (auto& one : asking) waiting_.push_back(std::move(one));
  }

  std::mt19937 random_;
  Timeline timeline_;
  std::unique_ptr<endpoint::Quota> provider_;
  std::deque<std::function<void()>> waiting_;
  std::size_t in_flight_ = 0;
  std::int64_t admitted_ = 0, refused_ = 0, answers_ = 0;
  Tokens input_ = 0;
  Time next_look_{};
  Duration span_{};
};

int compare(Duration span, int seeds, bool as_json) {
  std::string folder = (std::filesystem::temp_directory_path() / "interlock-bench-XXXXXX").string();
  check(::mkdtemp(folder.data()) != nullptr, "a folder is to be had");
  const std::pair<const char*, std::function<std::unique_ptr<Controller>(Timeline&, int)>>
      contenders[] = {
          {"check, then debit",
           [](Timeline& timeline, int) { return std::make_unique<CheckThenDebit>(timeline); }},
          {"adaptive limit (AIMD)",
           [](Timeline& timeline, int) { return std::make_unique<Adaptive>(timeline); }},
          {"rate gate", [&](Timeline& timeline, int seed) {
             return std::make_unique<RateGate>(timeline, fmt::format("{}/{}.quota", folder, seed));
           }}};
  for (const auto& [name, make] : contenders) {
    for (int seed = 1; seed <= seeds; ++seed) {
      World world(static_cast<std::uint32_t>(seed));
      const auto controller = make(world.timeline(), seed);
      world.run(*controller, span);
      if (as_json) {
        fmt::print(R"({{"contender":"{}","share":{},"refused":{},"answers":{}}})"
                   "\n",
                   name, world.share(), world.refusals(), world.answers());
      } else {
        fmt::print("{:<24}{:6.1f} % of the quota {:6} refusals {:6} answers\n", name,
                   100 * world.share(), world.refusals(), world.answers());
      }
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace interlock

int main(int argc, char** argv) {
  const bool as_json = interlock::bench::takes_json(argc, argv);
  const std::chrono::minutes span(argc > 1 ? std::stoi(argv[1]) : 20);
  return interlock::compare(span, argc > 2 ? std::stoi(argv[2]) : 3, as_json);
}
