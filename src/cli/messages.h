#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/adapter.h"
#include "base/redaction.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::cli {

/// Makes of what an agent prints for programs what it says to people: its messages, the tools it
/// uses, why it failed. One object an attempt, for its standard output from the beginning on.
class Messages {
 public:
  /// Nothing where the attempt prints for people already.
  static std::unique_ptr<Messages> of(const plan::Plan& plan, TaskId task,
                                      const engine::AttemptRecord& attempt, std::uint32_t phase);
  /// `secrets` are taken out of what it says: a log has those in pieces that its agent told in
  /// pieces.
  explicit Messages(std::unique_ptr<agents::Reader> reader, Redaction secrets = {})
      : reader_(std::move(reader)), secrets_(std::move(secrets)) {}

  /// What follows from one more line; none when it says nothing to people.
  std::vector<std::string> line(const std::string& line);
  /// What was begun and not ended, once nothing more comes.
  std::vector<std::string> rest();

 private:
  void take(const agents::Event& event, const std::string& line, std::vector<std::string>& said);
  void say(const std::string& text, std::vector<std::string>& said);
  void flush(std::vector<std::string>& said);

  std::unique_ptr<agents::Reader> reader_;
  Redaction secrets_;
  std::string pieces_;     ///< Of a message that is still being told.
  std::string last_said_;  ///< A final answer often repeats the last message.
};

}  // namespace interlock::cli
