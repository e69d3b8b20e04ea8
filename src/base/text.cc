#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>

#include "base/width_table.h"

namespace interlock {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr std::string_view kReplacementText = "\xef\xbf\xbd";
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";

struct Character {
  char32_t code = kReplacement;
  std::size_t bytes = 1;
  bool well_formed = false;
};

/// The character at the front of non-empty `text`; a byte that starts none counts as one bad
/// character. The bounds on the second byte are table 3-7 of the Unicode standard: no overlong
/// form, no surrogate.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < lowest || byte(1) > highest) return {};
  char32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  return {code, length, true};
}

bool is_in(std::span<const CodeRange> ranges, char32_t code) {
  const auto after = std::ranges::upper_bound(ranges, code, {}, &CodeRange::first);
  return after != ranges.begin() && code <= std::prev(after)->last;
}

std::size_t width_of(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code < 0x300) return 1;
  if (is_in(kZeroWidthRanges, code)) return 0;
  return is_in(kWideRanges, code) ? 2 : 1;
}

/// What a terminal draws as one: a character and what hangs on it.
struct Cluster {
  std::string_view text;
  std::size_t width = 0;
};

constexpr bool is_flag_letter(char32_t code) { return code >= 0x1f1e6 && code <= 0x1f1ff; }
/// Where emoji lie, roughly; only these change their width by style or are joined into one.
constexpr bool may_be_emoji(char32_t code) {
  return (code >= 0x203c && code < 0x2c00) || (code >= 0x1f000 && code < 0x1fb00);
}
constexpr bool is_skin_tone(char32_t code) { return code >= 0x1f3fb && code <= 0x1f3ff; }

/// The cluster at the front of non-empty `text`: marks, joiners, skin tones and the second letter
/// of a flag belong to what they follow. A small part of Unicode's annex 29, the part that changes
/// widths.
Cluster first_cluster(std::string_view text) {
  constexpr char32_t kJoiner = 0x200d;
  constexpr char32_t kEmojiStyle = 0xfe0f;
  const Character base = first_character(text);
  std::size_t size = base.bytes;
  std::size_t width = width_of(base.code);
  bool joined = false;
  bool flag_open = is_flag_letter(base.code);
  while (size < text.size()) {
    const Character next = first_character(text.substr(size));
    const bool completes_flag = flag_open && is_flag_letter(next.code);
    const bool hangs_on = next.code >= 0x300 && width_of(next.code) == 0;
    const bool continues_emoji =
        may_be_emoji(base.code) && (is_skin_tone(next.code) || (joined && may_be_emoji(next.code)));
    if (!hangs_on && !continues_emoji && !completes_flag) break;
    if (completes_flag || (next.code == kEmojiStyle && may_be_emoji(base.code))) width = 2;
    joined = next.code == kJoiner;
    flag_open = false;
    size += next.bytes;
  }
  return {text.substr(0, size), width};
}

std::vector<Cluster> clusters_of(std::string_view text) {
  std::vector<Cluster> clusters;
  while (!text.empty()) {
    clusters.push_back(first_cluster(text));
    text.remove_prefix(clusters.back().text.size());
  }
  return clusters;
}

std::size_t width_of(std::span<const Cluster> clusters) {
  std::size_t width = 0;
  for (const Cluster& cluster : clusters) width += cluster.width;
  return width;
}

/// How many clusters from `first` on fit in `columns`; counts from the end with reversed iterators.
template <typename Iterator>
std::size_t count_fitting(Iterator first, Iterator last, std::size_t columns) {
  std::size_t count = 0;
  for (std::size_t width = 0; first != last; ++first, ++count) {
    width += first->width;
    if (width > columns) break;
  }
  return count;
}

std::string text_of(std::span<const Cluster> clusters) {
  std::string text;
  for (const Cluster& cluster : clusters) text += cluster.text;
  return text;
}

/// `text` cut to `columns` with `head` columns before the ellipsis and the rest after it.
std::string elide(std::string_view text, std::size_t columns, std::size_t head) {
  const std::vector<Cluster> clusters = clusters_of(text);
  if (width_of(clusters) <= columns) return std::string(text);
  if (columns == 0) return {};
  const std::size_t before = count_fitting(clusters.begin(), clusters.end(), head);
  const std::size_t after = count_fitting(clusters.rbegin(), clusters.rend(), columns - 1 - head);
  const std::span<const Cluster> all = clusters;
  return text_of(all.first(before)).append(kEllipsis) + text_of(all.last(after));
}

/// Characters without a shape of their own that change how others are shown or read: direction
/// overrides (the "Trojan Source" trick), invisible separators and tags. Joiners stay, emoji and
/// some scripts need them.
bool deceives(char32_t code) {
  static constexpr CodeRange kDeceivers[] = {
      {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f},   {0x2028, 0x202e},
      {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
  };
  return is_in(kDeceivers, code);
}

/// Bytes of a control string and its end (BEL or ST). One that never ends, or that another sequence
/// breaks off, counts for nothing: a byte of noise could hide the rest of a log, and looking past
/// the break each time would cost the square of the length.
std::size_t control_string_length(std::string_view text) {
  for (std::size_t i = 0; i < text.size() && text[i] != '\n';) {
    const Character character = first_character(text.substr(i));
    i += character.bytes;
    if (character.code == '\a' || character.code == 0x9c) return i;
    if (character.code == 0x1b) return text.substr(i).starts_with('\\') ? i + 1 : 0;
    if (character.code >= 0x80 && character.code < 0xa0) return 0;
  }
  return 0;
}

/// Bytes of the escape sequence that `text` goes on with after ESC and `kind` (ECMA-48, 5.4
/// and 5.6).
std::size_t sequence_length(char32_t kind, std::string_view text) {
  if (std::u32string_view(U"]PX^_").find(kind) != std::u32string_view::npos) {
    return control_string_length(text);
  }
  if (kind != '[') return 0;
  std::size_t i = 0;
  const auto skip = [&](char low, char high) {
    while (i < text.size() && text[i] >= low && text[i] <= high) ++i;
  };
  skip(0x30, 0x3f);
  skip(0x20, 0x2f);
  return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : i;
}

/// Bytes of the escape sequence at the front of `text`, 0 if there is none. C1 controls are ESC and
/// a letter in one.
std::size_t escape_length(std::string_view text) {
  const Character first = first_character(text);
  if (first.code >= 0x80 && first.code < 0xa0) {
    return first.bytes + sequence_length(first.code - 0x40, text.substr(first.bytes));
  }
  if (first.code != 0x1b) return 0;
  std::size_t i = 1;
  while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x2f) ++i;
  if (i == text.size() || text[i] < 0x30 || text[i] > 0x7e) return i;
  const auto kind = static_cast<char32_t>(text[i]);
  ++i;
  return i == 2 ? i + sequence_length(kind, text.substr(i)) : i;
}

/// How one character that begins no escape sequence is shown at `column`.
std::string printable_form(const Character& character, std::string_view bytes, std::size_t column) {
  constexpr std::size_t kTabStop = 8;
  if (!character.well_formed) return std::string(kReplacementText);
  if (character.code == '\t') return std::string(kTabStop - column % kTabStop, ' ');
  // U+2400 to U+2421 are snapshots of the controls: in UTF-8 these two bytes and one that counts.
  if (character.code < 0x20) return {'\xe2', '\x90', static_cast<char>(0x80 + character.code)};
  if (character.code == 0x7f) return "\xe2\x90\xa1";
  return deceives(character.code) ? std::string() : std::string(bytes);
}

std::u32string checkpointed(std::string_view word) {
  std::u32string codes;
  for (; !word.empty(); word.remove_prefix(first_character(word).bytes)) {
    const char32_t code = first_character(word).code;
    codes += code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
  }
  return codes;
}

/// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours, nothing
/// edited twice.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord =
      200;  // beyond, it is no slip of the fingers, and costs its square
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::u32string meant = checkpointed(word);
  const std::size_t allowed = std::max<std::size_t>(1, meant.size() / 3);
  const std::string* nearest = nullptr;
  std::size_t nearest_distance = allowed + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 2 * kLongestWord) continue;
    const std::u32string code = checkpointed(candidate);
    const std::size_t distance = edit_distance(meant, code);
    const bool keeps_something = distance < std::max(meant.size(), code.size());
    if (distance >= nearest_distance || !keeps_something) continue;
    nearest = &candidate;
    nearest_distance = distance;
  }
  return nearest ? std::optional(*nearest) : std::nullopt;
}

std::optional<std::size_t> first_bad_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  for (std::size_t i = 0; i < text.size();) {
    // Nearly all text is ASCII, which eight bytes at a time show.
    std::uint64_t eight = kHighBits;
    if (text.size() - i >= sizeof eight) std::memcpy(&eight, text.data() + i, sizeof eight);
    if ((eight & kHighBits) == 0) {
      i += sizeof eight;
      continue;
    }
    const Character character = first_character(text.substr(i));
    if (!character.well_formed) return i;
    i += character.bytes;
  }
  return std::nullopt;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Cluster cluster = first_cluster(text);
    width += cluster.width;
    text.remove_prefix(cluster.text.size());
  }
  return width;
}

std::string elide_end(std::string_view text, std::size_t columns) {
  return elide(text, columns, std::max<std::size_t>(columns, 1) - 1);
}

std::string elide_middle(std::string_view text, std::size_t columns) {
  return elide(text, columns, columns / 2);
}

std::string pad(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(text).append(columns - std::min(columns, width), ' ');
}

std::string pad_left(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(columns - std::min(columns, width), ' ').append(text);
}

std::string printable(std::string_view text) {
  std::string shown;
  std::size_t column = 0;
  while (!text.empty()) {
    std::size_t taken = escape_length(text);
    if (taken == 0) {
      const Character character = first_character(text);
      taken = character.bytes;
      const std::string form = printable_form(character, text.substr(0, taken), column);
      column += display_width(form);
      shown += form;
    }
    text.remove_prefix(taken);
  }
  return shown;
}

std::string join_words(std::span<const std::string> words, std::size_t most) {
  if (words.empty()) return {};
  if (words.size() == 1) return words.front();
  const bool all = words.size() <= std::max<std::size_t>(most, 2);
  const std::size_t named = all ? words.size() - 1 : std::max<std::size_t>(most, 2) - 1;
  const std::string last = all ? words.back() : fmt::format("{} more", words.size() - named);
  return fmt::format("{} and {}", fmt::join(words.first(named), ", "), last);
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r') && end < text.size()) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string shell_quote(std::string_view text) {
  // `=` only behind an option's dash: at the front of a command it would make the word an
  // assignment.
  const auto is_safe = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-+:,./@%").find(c) != std::string_view::npos ||
           (c == '=' && text.front() == '-');
  };
  if (!text.empty() && std::ranges::all_of(text, is_safe)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + '\'';
}

}  // namespace interlock
