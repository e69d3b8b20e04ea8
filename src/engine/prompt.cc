#include "engine/prompt.h"

#include <fmt/format.h>

#include <string_view>

namespace interlock::engine {

namespace {

constexpr std::string_view kAnew =
    "The workspace is as it was before you began: make your changes to it once more.\n";

}  // namespace

std::string say_go_on(bool anew) {
  return fmt::format(
      "You were stopped before you were done, because a limit was reached. Go on where you "
      "stopped, "
      "and bring what you were asked to its end.\n{}",
      anew ? kAnew : "");
}

std::string say_what_others_changed(const std::string& changed) {
  return fmt::format(
      "\n\nWhile you worked, others changed what you had seen:\n\n{}\n"
      "You are in the workspace as it is now, without your changes. Do what was asked upon this.\n",
      changed);
}

std::string say_what_was_wrong(const std::string& complaint, bool anew) {
  return fmt::format(
      "\n\nYour previous answer was not accepted:\n{}\nAnswer again, complete and corrected.\n{}",
      complaint, anew ? kAnew : "");
}

std::string say_messages(const std::vector<std::string>& texts) {
  std::string said = texts.empty() ? "" : "\n\nThe person you work for says to this:\n";
  for (const std::string& text : texts) said += fmt::format("\n{}\n", text);
  return said;
}

}  // namespace interlock::engine
