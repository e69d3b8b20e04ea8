#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint/asked.h"
#include "endpoint/script.h"

// A reply in the words of each API: as one body, or as the events of a stream.
namespace interlock::endpoint {

struct Reply {
  std::int64_t number = 0;  ///< Of the call; ids are made from it.
  std::string model;
  std::string text;
  std::vector<ToolCall> tools;
  Finish finish = Finish::whole;
  std::string ends_with;  ///< Not empty: the word it ends with.
  Used used;              ///< As the client is told.
  bool tells_usage = true;
};

/// One event of a stream.
struct Frame {
  std::string event;  ///< Empty: the API names no events.
  std::string data;
  std::optional<Used> tells{};  ///< What the client knows of usage from here on.
};
std::string wire_of(const Frame& frame);

std::vector<Frame> frames_of(Api api, const Reply& reply);
std::string body_of(Api api, const Reply& reply);

/// Why the answer is none. `code` and `message` empty: what is usual for the status.
struct Refused {
  int status = 500;
  std::string code, message;
  std::optional<Duration> retry_after;
};
std::string error_body(Api api, const Refused& refused);
/// An overload told inside a stream that had begun well.
Frame error_frame(Api api);

namespace wire {
// One file each.
std::vector<Frame> anthropic_frames(const Reply& reply);
std::string anthropic_body(const Reply& reply);
std::vector<Frame> chat_frames(const Reply& reply);
std::string chat_body(const Reply& reply);
std::vector<Frame> responses_frames(const Reply& reply);
std::string responses_body(const Reply& reply);
std::vector<Frame> gemini_frames(const Reply& reply);
std::string gemini_body(const Reply& reply);

/// `text` in the pieces in which a model would stream it.
std::vector<std::string_view> pieces_of(std::string_view text);
std::string id_of(std::string_view prefix, std::int64_t number, std::size_t part = 0);
}  // namespace wire

}  // namespace interlock::endpoint
