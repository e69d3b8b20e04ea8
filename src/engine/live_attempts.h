#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/attempt.h"
#include "engine/turn.h"

namespace interlock::engine {

/// The attempts that live, by task; what their clocks say; and what is to be done of them once the
/// events of the turn are durable.
class LiveAttempts {
 public:
  struct Act {
    enum class Kind : unsigned char { spawn, stop, discard };
    Kind kind = Kind::spawn;
    AttemptName name;
    Duration grace{};
  };

  explicit LiveAttempts(Turn& turn) : turn_(turn) {}

  /// The attempt of this task; null: none lives.
  Attempt* find(TaskId task);
  const Attempt* find(TaskId task) const;
  /// Exactly this one, in this phase; null: it is over.
  Attempt* find(AttemptName name);
  bool contains(TaskId task) const { return live_.contains(task); }
  bool empty() const { return live_.empty(); }
  auto begin() { return live_.begin(); }
  auto begin() const { return live_.begin(); }
  auto end() { return live_.end(); }
  auto end() const { return live_.end(); }

  /// It lives from now on, in the place of its task's one before.
  Attempt& add(Attempt attempt);
  void erase(TaskId task) { live_.erase(task); }

  /// It lives, and its process is to be spawned.
  void add_and_spawn(Attempt attempt);
  void spawn(AttemptName name) { acts_.push_back({Act::Kind::spawn, name, {}}); }
  /// Its process is to be ended, for the reason that is given first. A check that waits is not
  /// begun.
  void stop(Attempt& live, Outcome why, const std::string& detail = {});
  /// Its snapshot is not wanted any more.
  void discard(AttemptName name) { acts_.push_back({Act::Kind::discard, name, {}}); }
  /// What was asked for since the last call, in that order.
  std::vector<Act> take_acts() { return std::exchange(acts_, {}); }

  /// All whose work it does, its own first.
  std::vector<const plan::Task*> tasks_of(const Attempt& live) const;
  /// Of all whose work it does, one after the other.
  Duration timeout_of(const Attempt& live) const;
  /// Stops those whose time is up, and those that stay after their final answer.
  void watch_clocks();
  /// When one of their clocks has something to say; nothing: never.
  std::optional<Time> next_moment() const;

 private:
  Attempt::Clocks clocks_of(const Attempt& live) const;

  Turn& turn_;
  std::map<TaskId, Attempt> live_;
  std::vector<Act> acts_;
};

}  // namespace interlock::engine
