#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace interlock::engine {

/// What stands in the only fenced code block of a Markdown text (CommonMark 4.5: three or more
/// backticks or tildes). Nothing where there is none, more than one, or one that is never closed.
struct FencedBlock {
  std::string content;
  bool alone = false;  ///< Nothing but white space stands around it.
};
std::optional<FencedBlock> only_fenced_block(std::string_view text);

/// Says why a text is no JSON, with the mistakes models make most. `error` is the parser's.
std::string say_no_json(std::string_view text, const Error& error);

}  // namespace interlock::engine
