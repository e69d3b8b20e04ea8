#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace interlock::changes {

/// Whether bytes are text as far as merging and showing go: no NUL among the first 8000 bytes (as
/// git decides it).
bool is_text(std::string_view bytes);

/// Joins two changes of one text, line by line (diff3): where only one side changed the ancestor,
/// its lines are taken; where both changed it alike, once. Nothing where both changed the same or
/// adjoining lines differently, and for what is no text. Where lines repeat and a change can be
/// told in several ways, all of them have to come to the same.
std::optional<std::string> merge_three(std::string_view ancestor, std::string_view mine,
                                       std::string_view theirs);

/// One file's change as a unified diff with three lines of context, `--- a/<path>` and `+++
/// b/<path>` on top; `/dev/null` stands for a file that is not there. Empty where nothing differs.
/// Lines without an end are marked as git and diff do. Time follows Myers' O(ND), bounded: above
/// the bound the middle is shown as replaced whole.
std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after);

}  // namespace interlock::changes
