#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agents/event.h"
#include "base/result.h"

// What `interlock chat` is asked with, and the JSON lines it answers with: one definition for the
// program that writes them and the adapter that reads them. Pure.
//
// Called as: chat --api NAME --model M [--base-url URL] [--schema FILE] [--max-output N]
//   NAME      anthropic | openai | openai-responses | gemini
//   URL       without a version part (`/v1`, `/v1beta`), which the API's own path begins with
//   FILE      a JSON Schema the answer must hold to; it is asked for in the API's own way
// The prompt is all of standard input, the key the variable INTERLOCK_KEY. Standard output holds
// only these lines, one a line, in this order:
//
//   {"type":"started","api":"anthropic","model":"claude-x"}   once, before anything is sent
//   {"type":"waiting","seconds":1.5,"message":"429 slow down"}   any number; `seconds` may be null
//   {"type":"text","text":"He"}                      any number: a piece of the answer as it
//   streams
//   {"type":"usage","input":12,"output":7,"cache_read":0,"cache_write":null}   one for each call,
//       when it has ended, also where it failed; null is not told; `input` is without both caches
//   and at last one of
//   {"type":"final","text":"Hello","finish":"stop"}  all of the text; `finish` is stop | cut_off |
//       refused, where only `stop` is a success
//   {"type":"failed","kind":"rate_limited","message":"..."}  `kind` is a name of agents::Failure
//
// A call that is made again after pieces of text were written begins the text anew: `waiting` parts
// the two. Exit status 0 with `final` and `stop`, 1 with any other last line, 2 for a wrong command
// line (nothing on standard output). Without one of the two last lines it did not end well.
namespace interlock::agents {

/// The variable its key is in.
inline constexpr std::string_view kChatKey = "INTERLOCK_KEY";

enum class Finish : unsigned char { stop, cut_off, refused };
std::string_view name_of(Finish finish);

/// The lines, each with its end.
std::string chat_started(std::string_view api, std::string_view model);
std::string chat_text(std::string_view piece);
std::string chat_waiting(std::optional<Duration> wait, std::string_view message);
/// Its cost is not told: prices are not the program's business.
std::string chat_usage(const Usage& usage);
std::string chat_final(std::string_view text, Finish finish);
std::string chat_failed(Failure failure, std::string_view message);

}  // namespace interlock::agents
