#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "merge/ways.h"

namespace interlock::merge {
namespace {

/// A cell must stay on its line and between its bars.
std::string escaped(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|')
      cell += "\\|";
    else if (c == '\n')
      cell += "<br>";
    else if (c != '\r')
      cell += c;
  }
  return cell;
}

std::string cell_of(const json::value* member) {
  if (member == nullptr || member->is_null()) return "";
  return escaped(member->is_string() ? std::string(member->get_string()) : canonical_json(*member));
}

using Cells = std::vector<std::string>;

std::vector<std::string> columns_met(const json::array& rows) {
  std::vector<std::string> columns;
  for (const json::value& row : rows) {
    for (const auto& member : row.get_object()) {
      if (std::ranges::find(columns, std::string_view(member.key())) == columns.end())
        columns.emplace_back(member.key());
    }
  }
  return columns;
}

/// Columns are padded to one width: a table is read as text as often as it is rendered.
std::string draw(const std::vector<Cells>& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 3);
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string text;
  for (std::size_t number = 0; number < lines.size(); ++number) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      text += "| " + pad(lines[number][i], widths[i]) + " ";
    text += "|\n";
    if (number != 0) continue;
    for (const std::size_t width : widths) text += "| " + std::string(width, '-') + " ";
    text += "|\n";
  }
  return text;
}

}  // namespace

Result<std::string> make_table(std::span<const Part> parts, const std::string& key,
                               std::span<const std::string> columns) {
  const auto rows = rows_of(parts, key, /*repeats=*/true);
  if (!rows) return std::unexpected(rows.error());
  const auto odd =
      std::ranges::find_if(*rows, [](const json::value& row) { return !row.is_object(); });
  if (odd != rows->end()) {
    return fail(Error::Kind::invalid,
                fmt::format("a row of the table is {}, not an object", kind_of(*odd)));
  }
  std::vector<std::string> names(columns.begin(), columns.end());
  if (names.empty()) names = columns_met(*rows);
  if (names.empty()) return std::string();

  std::vector<Cells> lines(1);
  for (const std::string& name : names) lines[0].push_back(escaped(name));
  for (const json::value& row : *rows) {
    Cells& line = lines.emplace_back();
    for (const std::string& name : names)
      line.push_back(cell_of(row.get_object().if_contains(name)));
  }
  return draw(lines);
}

}  // namespace interlock::merge
