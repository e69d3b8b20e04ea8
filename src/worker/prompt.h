#pragma once

#include <cstddef>
#include <string>
#include <vector>

// What a prompt says of the attempt before it, after what was asked.
namespace interlock::worker {

/// Its session was stopped at a limit. `anew`: what it had changed is gone from its workspace.
std::string say_go_on(bool anew);

/// A repair: `changed` is what others changed meanwhile, as a diff.
std::string say_what_others_changed(const std::string& changed);

/// A correction: `complaint` is why the answer was not accepted; `anew` as above.
std::string say_what_was_wrong(const std::string& complaint, bool anew);

/// What a person said to it; `texts` in their order.
std::string say_messages(const std::vector<std::string>& texts);
/// One of several tries at a task: what it answered, and its changes as a diff; empty: none.
struct ShownTry {
  std::size_t number = 0;
  std::string answer, diff;
};
/// For who has to pick one of them.
std::string say_tries(const std::string& task, const std::vector<ShownTry>& tries);

}  // namespace interlock::worker
