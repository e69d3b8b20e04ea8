#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::plan {

/// What a placeholder stands for; nothing: leave it as written.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Whether there can be a placeholder at all: without a brace a text is what it will be.
inline bool has_braces(std::string_view text) { return text.contains('{'); }

/// The names between single braces in `text` that are placeholders: `item`, `item.stem`,
/// `outputs.research`. A brace that opens no known form (`{` with a space, JSON, shell `${x}`, awk)
/// is text. `{{` and `}}` mean the braces themselves only around a placeholder name: `{{item}}`
/// gives `{item}`.
std::vector<std::string> placeholders(std::string_view text);
/// The same with every other name in single braces, as `--set` may fill it.
std::vector<std::string> braced_names(std::string_view text);
/// All names that mean something somewhere, for the nearest to one that does not.
const std::vector<std::string>& known_placeholders();
/// `text` with `{{name}}` as `{name}` where neither a placeholder nor `lookup` has the name: in a
/// prompt, doubled braces stand for the braces themselves whatever they hold.
std::string with_plain_braces(std::string_view text, const Lookup& lookup);
/// Whether the name has a meaning of its own, so that nobody else may give it one.
bool is_reserved(std::string_view name);

/// `value` with every run of characters no id may hold as one `-`, and none at its ends: what a
/// placeholder in an id becomes.
std::string as_id(std::string_view value);

/// A text is filled twice: when the plan is read (`{item}`, `--set`) and when the task starts
/// (`{outputs.x}`).
enum class Stage : unsigned char {
  early,  ///< Doubled braces stay doubled, and what a value holds of braces is doubled: the next
          ///< stage gives it back as it was.
  last,
};

std::string fill(std::string_view text, const Lookup& lookup, Stage stage = Stage::last);

/// `text` with the placeholder `name` replaced by a text whose own placeholders stay alive.
std::string replace_placeholder(std::string_view text, std::string_view name, std::string_view by);

/// As `fill`, for a string that a shell will read: each value arrives as data, whether the
/// placeholder stands bare, in double or in single quotes, so that no file name and no model's
/// answer can become a command. Where no quoting is safe (see `unsafe_for_shell`) the placeholder
/// is left as written.
std::string fill_shell(std::string_view text, const Lookup& lookup, Stage stage = Stage::last);

/// A placeholder that stands where a shell would read any value as more than data.
struct UnsafePlace {
  std::string name;
  std::string where;  ///< `in backquotes`, `after a here-document`
};
std::optional<UnsafePlace> unsafe_for_shell(std::string_view text, const Lookup& lookup);

/// A shell string is filled as one, and so is the script of an argument list such as `[sh, -c,
/// script]`.
Command fill_command(Command command, const Lookup& lookup, Stage stage = Stage::last);
/// The part of a command that a shell reads; nothing when there is none.
std::optional<std::string_view> script_of(const Command& command);

}  // namespace interlock::plan
