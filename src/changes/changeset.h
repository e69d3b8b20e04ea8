#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"

// What an attempt changed, and what it read: plain values, and what follows from them.
namespace interlock::changes {

enum class Kind : unsigned char {
  absent,
  file,
  folder,
  link,   ///< Symbolic.
  other,  ///< A socket, a device, a pipe: seen, and never taken over.
};
std::string_view name_of(Kind kind);

/// What is at a path. Times, owners and extended attributes are not part of it.
struct State {
  Kind kind = Kind::absent;
  std::uint32_t mode = 0;  ///< Permission bits (07777); 0 for links and where nothing is.
  std::int64_t size = 0;   ///< Bytes of a file or of a link's target; else 0.
  Digest digest;           ///< Of a file's bytes or a link's target; else all zeros.

  bool operator==(const State&) const = default;
};

struct Change {
  std::string path;  ///< Relative to the workspace; any bytes but NUL.
  State before;      ///< What the attempt found.
  State after;       ///< What it left.

  bool operator==(const Change&) const = default;
};

/// Exactly what an attempt changed: sorted by the bytes of the paths, each path once, before and
/// after different. What goes with a folder is listed path by path: a deleted folder with all that
/// was in it, a folder where a file was with both. Nothing at or below a `.git` is ever in it.
struct Changeset {
  std::vector<Change> changes;

  bool empty() const { return changes.empty(); }
  const Change* find(std::string_view path) const;
  bool operator==(const Changeset&) const = default;
};

/// `{"changes": [{"path", "before": {"kind", "mode", "size", "digest"} | null, "after": ...}]}`; a
/// path that is not UTF-8 is told as `path_base64`. Equal changesets give equal texts.
std::string to_text(const Changeset& changeset);
Result<Changeset> changeset_from_text(std::string_view text);

/// A file that is gone from one path and there, with the same bytes, at another: for people, who
/// call that a rename. A path is in one pair at most.
struct Rename {
  std::string from, to;
  bool operator==(const Rename&) const = default;
};
std::vector<Rename> renames_in(const Changeset& changeset);

}  // namespace interlock::changes
