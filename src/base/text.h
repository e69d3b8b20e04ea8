#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace interlock {

/// The candidate a person most likely meant, by edit distance with transpositions
/// (at most a third of the word, at least one; case aside); nothing when none is near.
std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates);

/// The byte at which `text` stops being well-formed UTF-8 (RFC 3629), if it does.
std::optional<std::size_t> first_bad_utf8(std::string_view text);

/// Columns `text` takes on a terminal: wide East Asian characters and emoji count two, combining
/// marks none. Control characters count none; `printable` shows them first.
std::size_t display_width(std::string_view text);

/// `text` cut to at most `columns`, the cut marked by an ellipsis. Never splits a character.
std::string elide_end(std::string_view text, std::size_t columns);
/// As `elide_end`, but the middle goes: both ends of a path or an id tell more.
std::string elide_middle(std::string_view text, std::size_t columns);
/// `text` padded with spaces to at least `columns`.
std::string pad(std::string_view text, std::size_t columns);
std::string pad_left(std::string_view text, std::size_t columns);

/// `text` safe on one line of a terminal: escape sequences and direction overrides taken out, tabs
/// made spaces, other control characters (line ends too) shown as snapshots, bad bytes as U+FFFD.
std::string printable(std::string_view text);

/// `a`, `a and b`, `a, b and c`, and with more than `most`: `a, b and 7 more`.
std::string join_words(std::span<const std::string> words, std::size_t most = 4);

std::vector<std::string_view> split_lines(std::string_view text);

/// `text` as one shell word in single quotes, or bare where that is safe.
std::string shell_quote(std::string_view text);

}  // namespace interlock
