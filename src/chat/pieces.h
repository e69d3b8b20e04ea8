#pragma once

#include <string>
#include <string_view>

#include "metering/model_call.h"
#include "metering/sse.h"

namespace interlock::chat {

/// Reads what a streamed answer says, piece by piece. Frames that are none are passed over: whether
/// the answer is whole is AnswerReader's to say.
class Pieces {
 public:
  /// `from_tool`: the answer is the input of a tool, not text.
  Pieces(metering::Api api, bool from_tool) : api_(api), from_tool_(from_tool) {}

  /// The next bytes; what they say.
  std::string take(std::string_view bytes);

  /// A refusal in words of its own came.
  bool refused() const { return refused_; }

 private:
  void take_event(std::string_view data, std::string& said);
  void take_anthropic(std::string_view data, std::string& said) const;
  void take_chat(std::string_view data, std::string& said);
  void take_responses(std::string_view data, std::string& said);
  static void take_gemini(std::string_view data, std::string& said);

  metering::Api api_;
  bool from_tool_;
  bool refused_ = false;
  metering::EventCutter cutter_{std::size_t{16} << 20};
  std::string scratch_;
};

}  // namespace interlock::chat
