#include "sim/models.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::sim {

using engine::CallEnd;
using testing_support::Behaviour;

namespace {

std::string first_line(const std::string& session) {
  return fmt::format(
      R"({{"type":"system","subtype":"init","session_id":"{}","model":"m-1","claude_code_version":"2.1.330"}})",
      session);
}

std::string last_line(const std::string& session, const std::string& answer) {
  return fmt::format(
      R"({{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed",)"
      R"("result":"{}\n","session_id":"{}","num_turns":1}})",
      answer, session);
}

std::string error_line(const std::string& session, int status) {
  return fmt::format(
      R"({{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error",)"
      R"("api_error_status":{},"result":"API Error: {}","session_id":"{}","num_turns":1}})",
      status, status, session);
}

}  // namespace

std::string resumed_session(const engine::SpawnSpec& spec) {
  const auto flag = std::ranges::find(spec.arguments, "--resume");
  if (flag == spec.arguments.end() || flag + 1 == spec.arguments.end()) return {};
  return *(flag + 1);
}

bool Models::is_one(const engine::SpawnSpec& spec) const {
  return spec.name.phase == 0 && spec.report_lines;
}

std::string Models::question_of(const engine::SpawnSpec& spec) const {
  const auto known = sessions_.find(resumed_session(spec));
  return known == sessions_.end() ? spec.standard_input : known->second.question;
}

std::string Models::session_for(const engine::SpawnSpec& spec) {
  const std::string taken_up = resumed_session(spec);
  if (!taken_up.empty()) {
    const auto known = sessions_.find(taken_up);
    if (known == sessions_.end() || known->second.task != spec.name.task)
      broken_ = fmt::format("`{}` takes up a session of its own", plan_[spec.name.task].id);
    return taken_up;
  }
  const std::string made = fmt::format("s{}", sessions_.size() + 1);
  sessions_.emplace(made, Session{spec.name.task, spec.standard_input});
  return made;
}

/// One to three calls; false when one may not be made.
bool Models::ask(const engine::SpawnSpec& spec, Dice& dice, const ModelFaults& faults) {
  for (auto calls = 1 + dice.below(3); calls > 0; --calls) {
    Usage usage{dice.between(100, 1000), dice.between(10, 100), dice.between(0, 500), 0,
                dice.between(1, 50)};
    CallEnd end = CallEnd::answered;
    if (dice.chance(faults.call_breaks)) {
      usage.output.reset();
      end = CallEnd::cut_off;
    }
    if (gateway_.ask(spec.name, usage, end) == CallEnd::over_budget) return false;
    last_is_whole_ = end == CallEnd::answered;
  }
  return true;
}

Behaviour Models::play(const engine::SpawnSpec& spec, const std::string& answer, Duration lasts,
                       Dice& dice, const ModelFaults& faults) {
  Behaviour behaviour;
  behaviour.lasts = lasts;
  const bool resumes = !resumed_session(spec).empty();
  const std::string session = session_for(spec);
  const auto end_with = [&](std::string line) {
    behaviour.lines.emplace_back(lasts, std::move(line));
  };
  if (dice.chance(resumes ? faults.forgets : faults.misses_none)) {
    behaviour.exit_code = 1;
    end_with(R"({"type":"result","subtype":"error_during_execution","is_error":true,)"
             R"("errors":["No conversation found with session ID: gone"],"num_turns":0})");
    return behaviour;
  }
  behaviour.lines.emplace_back(Duration{}, first_line(session));
  if (!ask(spec, dice, faults)) {
    behaviour.exit_code = 1;
    end_with(error_line(session, 403));
    return behaviour;
  }
  if (dice.chance(faults.lies)) {
    end_with(error_line(session, 500));
  } else if (dice.chance(faults.told_to_wait)) {
    behaviour.exit_code = 1;
    end_with(error_line(session, 429));
  } else if (!dice.chance(faults.cut)) {
    end_with(last_line(session, answer));
    // It claims success either way; where its last answer broke off, the gateway knows better.
    if (last_is_whole_) good_.insert(spec.name);
    // It ends only when it is told to.
    if (dice.chance(faults.lingers)) {
      behaviour.hangs = true;
      behaviour.ignores_term = dice.chance(500);
    }
  }
  return behaviour;
}

}  // namespace interlock::sim
