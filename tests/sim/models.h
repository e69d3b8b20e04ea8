#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/ports.h"
#include "plan/plan.h"
#include "sim/dice.h"
#include "support/fake_gateway.h"
#include "support/fake_processes.h"

// Agents that ask models, as clients of them behave: they tell what they do as they go, keep
// sessions, claim success when they have none, fall silent, stay when all is said. What they answer
// is a function of what they were asked.
namespace interlock::sim {

/// How often what only such agents do goes wrong, in thousandths.
struct ModelFaults {
  std::uint64_t lies = 0;     ///< Exit status 0, and an error in the last line.
  std::uint64_t cut = 0;      ///< Exit status 0, and no last line.
  std::uint64_t lingers = 0;  ///< All is said, and it does not end.
  std::uint64_t told_to_wait = 0;
  std::uint64_t forgets = 0;        ///< A session to be taken up is not there.
  std::uint64_t misses_none = 0;    ///< It says so of one that nobody asked for.
  std::uint64_t names_another = 0;  ///< The session it tells of is none of its own.
  std::uint64_t stops_oddly = 0;    ///< An answer is whole, and ends with a word nobody knows.
  std::uint64_t call_breaks = 0;    ///< What a call used is never told.
};

class Models {
 public:
  Models(const plan::Plan& plan, testing_support::FakeGateway& gateway)
      : plan_(plan), gateway_(gateway) {}

  bool is_one(const engine::SpawnSpec& spec) const;
  /// What it is asked, with what it remembers where it takes up a session.
  std::string question_of(const engine::SpawnSpec& spec) const;
  /// How an attempt that answers `answer` goes. `faults`: none while nothing may go wrong.
  testing_support::Behaviour play(const engine::SpawnSpec& spec, const std::string& answer,
                                  Duration lasts, Dice& dice, const ModelFaults& faults);
  /// Whether the attempt really came to its end with its answer.
  bool ended_well(engine::AttemptName name) const { return good_.contains(name); }
  /// By task: what the calls of its first session take, all together.
  const std::map<TaskId, Tokens>& first_needs() const { return first_needs_; }
  /// `other` is answered by that attempt too.
  void ends_with(engine::AttemptName name, engine::AttemptName other) {
    if (good_.contains(name)) good_.insert(other);
  }
  /// The first promise about sessions that was broken; empty: none was.
  const std::string& broken() const { return broken_; }

 private:
  struct Session {
    TaskId task;
    std::string question;
    std::vector<Usage> calls_left{};  ///< To be made before it answers.
  };
  std::string session_for(const engine::SpawnSpec& spec);
  bool ask(const engine::SpawnSpec& spec, Session& session, Dice& dice, const ModelFaults& faults);

  const plan::Plan& plan_;
  testing_support::FakeGateway& gateway_;
  std::map<std::string, Session> sessions_;
  std::map<TaskId, Tokens> first_needs_;
  std::set<engine::AttemptName> good_;
  bool last_is_whole_ = true;  ///< Of the calls that were just made.
  std::string broken_;
};

/// The id of the session that is to be taken up; empty: none.
std::string resumed_session(const engine::SpawnSpec& spec);

}  // namespace interlock::sim
