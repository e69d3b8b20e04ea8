#include "process/bounds.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "footprint/overlap.h"
#include "footprint/temporary.h"

namespace interlock::process {
namespace {

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return folder == "/" || footprint::is_at_or_below(path, folder);
}

/// Whether the folder, or anything that could be below it, is in the set.
bool leads_to(const std::string& folder, const footprint::PatternSet& set) {
  if (set.empty()) return false;
  if (folder.empty()) return true;
  const std::vector<std::string> pattern{footprint::escape(folder)};
  const auto below = footprint::PatternSet::parse(pattern);
  return below && footprint::overlaps(*below, set);
}

}  // namespace

std::string without_links(const std::string& path) {
  std::error_code error;
  std::string resolved = std::filesystem::weakly_canonical(path, error);
  if (error || resolved.empty()) return path;
  while (resolved.size() > 1 && resolved.ends_with('/')) resolved.pop_back();
  return resolved;
}

Bounds::Bounds(const engine::Sandbox& sandbox)
    : workspace_(without_links(sandbox.workspace)),
      held_to_(sandbox.held_to),
      confined_(sandbox.confined) {
  for (const std::string& path : sandbox.writable) writable_.push_back(without_links(path));
  // The footprint says more of the workspace than that it may be written.
  if (held_to_) {
    std::erase_if(writable_,
                  [&](const std::string& path) { return is_at_or_below(workspace_, path); });
  }
}

bool Bounds::is_in_workspace(std::string_view path) const {
  return !workspace_.empty() && is_at_or_below(path, workspace_);
}

std::string_view Bounds::in_workspace(std::string_view path) const {
  return path.substr(std::min(path.size(), workspace_.size() + 1));
}

bool Bounds::is_held(std::string_view path) const {
  return held_to_ && !held_to_->unknown && is_in_workspace(path) &&
         std::ranges::none_of(
             writable_, [&](const std::string& folder) { return is_at_or_below(path, folder); });
}

bool Bounds::may_change(const std::string& path, bool makes_folder) const {
  if (is_held(path)) {
    const std::string inside(in_workspace(path));
    if (inside.empty()) return false;
    if (makes_folder && leads_to(inside, held_to_->writes)) return true;
    return held_to_->writes.matches(inside) ||
           footprint::is_temporary_beside(inside, held_to_->writes);
  }
  if (held_to_ && held_to_->unknown && is_in_workspace(path)) return true;
  return std::ranges::any_of(
      writable_, [&](const std::string& folder) { return is_at_or_below(path, folder); });
}

bool Bounds::may_read(const std::string& path, bool is_folder) const {
  const std::string inside(in_workspace(path));
  if (inside.empty() || footprint::is_at_or_below(inside, ".git")) return true;
  const auto allows = [&](const footprint::PatternSet& set) {
    return set.matches(inside) || (is_folder && leads_to(inside, set));
  };
  return allows(held_to_->reads) || allows(held_to_->writes) ||
         footprint::is_temporary_beside(inside, held_to_->writes);
}

}  // namespace interlock::process
