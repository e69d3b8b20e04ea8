#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::plan {

/// The names between single braces in `text` that are placeholders: `item`, `item.stem`, `outputs.research`.
/// A brace that opens no known form (`{` with a space, JSON, shell `${x}`, awk) is text. `{{` and `}}` mean the braces themselves
/// only around a placeholder name: `{{item}}` gives `{item}`.
std::vector<std::string> placeholders(std::string_view text);

/// What a placeholder stands for; nothing: leave it as written.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

std::string fill(std::string_view text, const Lookup& lookup);

/// As `fill`, for a string that a shell will read: each value arrives as data, whether the placeholder stands bare,
/// in double or in single quotes, so that no file name and no model's answer can become a command.
std::string fill_shell(std::string_view text, const Lookup& lookup);

Command fill_command(const Command& command, const Lookup& lookup);

}  // namespace interlock::plan
