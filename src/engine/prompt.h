#pragma once

#include <string>
#include <vector>

// What a prompt says of the attempt before it, after what was asked.
namespace interlock::engine {

/// Its session was stopped at a limit. `anew`: what it had changed is gone from its workspace.
std::string say_go_on(bool anew);

/// A repair: `changed` is what others changed meanwhile, as a diff.
std::string say_what_others_changed(const std::string& changed);

/// A correction: `complaint` is why the answer was not accepted; `anew` as above.
std::string say_what_was_wrong(const std::string& complaint, bool anew);

/// What a person said to it; `texts` in their order.
std::string say_messages(const std::vector<std::string>& texts);

}  // namespace interlock::engine
