#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox.h"

namespace interlock::process {

/// Links resolved, also where the path's end does not exist; no slash at the end.
std::string without_links(const std::string& path);

/// What an attempt may do where, by its sandbox. Paths are absolute, with all links resolved.
class Bounds {
 public:
  /// Resolves the links in the sandbox's own paths.
  explicit Bounds(const engine::Sandbox& sandbox);

  /// Whether there are any.
  bool any() const { return confined_ || held_to_.has_value(); }
  /// Whether reads are bounded too.
  bool holds_reads() const { return held_to_ && !held_to_->unknown; }
  /// Inside the workspace, kept to a footprint: pattern by pattern, which only the observer can.
  bool is_held(std::string_view path) const;
  /// A folder on the way to what may be written may also be made; so may what is going to be
  /// renamed over it, by its name.
  bool may_change(const std::string& path, bool makes_folder) const;
  /// Only where `is_held`. Folders on the way to what may be read may be listed; so may `.git`.
  bool may_read(const std::string& path, bool is_folder) const;
  bool is_in_workspace(std::string_view path) const;

 private:
  std::string_view in_workspace(std::string_view path) const;

  std::string workspace_;
  std::vector<std::string> writable_;
  std::optional<footprint::Footprint> held_to_;
  bool confined_;
};

}  // namespace interlock::process
