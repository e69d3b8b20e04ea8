#pragma once

#include <string_view>

#include "metering/glance.h"
#include "metering/model_call.h"

namespace interlock::metering {

// How each API tells, in a stream, what an answer is. `name` is the event's (may be empty), `data`
// its data.
//
// Most events are pieces of text, and are passed over after a look at their name or a search for a
// key. That is exact: JSON writes a quote inside a string as `\"`, so the bytes `"usage"` are a key
// (or a whole string of that text, which costs a closer look and changes nothing); and no provider
// writes the letters of a key as escapes. Whatever may matter is read as JSON, and what is no JSON
// is passed over.
void take_anthropic_event(Answered& answered, std::string_view name, std::string_view data);
void take_chat_event(Answered& answered, std::string_view name, std::string_view data);
void take_responses_event(Answered& answered, std::string_view name, std::string_view data);
void take_gemini_event(Answered& answered, std::string_view name, std::string_view data);

// The same for an answer that is one JSON body.
void take_anthropic_body(Answered& answered, const Glance& body);
void take_chat_body(Answered& answered, const Glance& body);
void take_responses_body(Answered& answered, const Glance& body);
void take_gemini_body(Answered& answered, const Glance& body);

/// Whether `"key":` stands in `data` with another value than `null`. `quoted` includes the quotes.
bool has_value(std::string_view data, std::string_view quoted);
/// Sets the model where it is told.
void take_model(Answered& answered, const Glance& model);
/// A token count, where it is one.
void take_count(std::optional<Tokens>& count, const Glance& value);

}  // namespace interlock::metering
