#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace interlock::changes {

/// Where knowledge of an attempt's reads comes from; every report says which it was.
enum class ReadsFrom : unsigned char {
  observed,    ///< The kernel told.
  declared,    ///< The plan's `reads`; `content` then holds what they match.
  everything,  ///< Neither: whatever changed may have been read.
};
std::string_view name_of(ReadsFrom from);

/// What an attempt's result depends on in the workspace. Sorted, each once. Paths that were not
/// there count too. Nothing at or below a `.git` is in it.
struct ReadSet {
  ReadsFrom from = ReadsFrom::everything;
  std::vector<std::string> content;   ///< What the file holds, where the link points to.
  std::vector<std::string> listing;   ///< Which names a folder holds; the workspace itself is "".
  std::vector<std::string> presence;  ///< Whether it is there, its kind and its mode.

  bool operator==(const ReadSet&) const = default;
};

std::string to_text(const ReadSet& reads);
Result<ReadSet> read_set_from_text(std::string_view text);

}  // namespace interlock::changes
