#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "merge/merge.h"

// The ways to join, one file each. All take the parts in plan order.
namespace interlock::merge {

Result<std::string> concat(std::span<const Part> parts);
/// One JSON array with every part, which is any JSON value, as one item.
Result<std::string> list(std::span<const Part> parts);
Result<std::string> unite_objects(std::span<const Part> parts);
Result<std::string> unite_rows(std::span<const Part> parts, const std::string& key);
Result<std::string> make_table(std::span<const Part> parts, const std::string& key,
                               std::span<const std::string> columns);
Result<std::string> unite_lines(std::span<const Part> parts);
Result<std::string> unite_sections(std::span<const Part> parts,
                                   std::span<const std::string> headings);

/// The rows of all parts, each a JSON array. With a `key`, rows with the same value of that member
/// are one row when they are equal, and an error when not; without one, `repeats` says whether
/// equal rows are kept as often as they come.
Result<json::array> rows_of(std::span<const Part> parts, const std::string& key, bool repeats);

/// A part as JSON; the error names its task.
Result<json::value> parse(const Part& part);
/// `an array`, `a number`, ...: for messages.
std::string_view kind_of(const json::value& value);

}  // namespace interlock::merge
