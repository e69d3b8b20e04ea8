#pragma once

#include <string_view>

#include "metering/model_call.h"

namespace interlock::metering {

/// What an API's own word for its end says of an answer. A word that is not listed is `unfamiliar`.
Stop stop_of(Api api, std::string_view word);

/// The answer, or one of its alternatives, ended with `word`. Of several the worst counts.
void take_stop(Answered& answered, Api api, std::string_view word);

/// The model said in a way of its own that it will not.
void take_decline(Answered& answered, std::string_view word);

}  // namespace interlock::metering
