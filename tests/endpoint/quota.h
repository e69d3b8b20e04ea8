#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "endpoint/script.h"

// A provider's quota: a bucket for each dimension, filled continuously. Refuses as providers do,
// and keeps the account of what it let through.
namespace interlock::endpoint {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What one request takes.
struct Demand {
  Tokens input = 0;
  Tokens output_max = 0;  ///< As reserved, where that is how it is charged.
};

class Quota {
 public:
  explicit Quota(const Limits& limits);

  /// Nothing: it may run, and has been charged. Else how long until it might.
  std::optional<Duration> admit(const Demand& demand, Time now);
  /// What was admitted has ended, with so much output.
  void settle(const Demand& demand, Tokens output, Time now);
  /// Which dimension refused last, for the message.
  const std::string& refused_by() const { return refused_by_; }

  Headers headers(Api api, Time now);
  /// `{"requests": {"used", "allowed", "share", "span_s", ...}, ..., "refused": n}`: allowed is a
  /// full bucket and what flowed in between the first and the last admission.
  json::object account() const;

 private:
  struct Level {
    std::string name;
    Bucket bucket;
    double left = 0;
    Time at{};
    std::int64_t used = 0;
    bool counts_windows = false;
    std::deque<std::pair<Time, double>> taken{};  ///< In the last window, oldest first.

    void fill(Time now);
    void take(double amount);
    Duration until(double needed) const;
    double a_second() const;
  };
  Level* level(const char* name);
  json::object account_of(const Level& level) const;
  std::int64_t told(const Level& level, double amount) const;

  Limits limits_;
  std::vector<Level> levels_;
  std::int64_t running_ = 0, admitted_ = 0, refused_ = 0;
  std::optional<Time> first_, last_;
  std::string refused_by_;
};

}  // namespace interlock::endpoint
