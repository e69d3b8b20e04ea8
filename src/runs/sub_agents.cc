#include "runs/sub_agents.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "changes/stale.h"
#include "runs/return_changes.h"
#include "runs/returned_changes.h"
#include "snapshots/files.h"
#include "snapshots/repository.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::runs {

namespace fs = std::filesystem;
using snapshots::PrivateCopy;

namespace {

constexpr std::size_t kKeptBytesMax = 256u << 20;

/// Of one workspace: shared while copies are made, alone while changes come back.
Result<sys::Descriptor> lock(const std::string& place, int how) {
  if (auto made = snapshots::make_folders(place); !made) return std::unexpected(made.error());
  const std::string file = place + "/lock";
  sys::Descriptor held(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!held) return snapshots::cannot("open", file, errno);
  while (::flock(held.get(), how) != 0) {
    if (errno != EINTR) return snapshots::cannot("lock", file, errno);
  }
  return held;
}

std::optional<SubAgentCopy> read_copy(const std::string& folder) {
  const auto text = workspace::read_file(folder + "/copy.json", 1u << 20);
  if (!text) return std::nullopt;
  const auto parsed = parse_json(*text);
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return std::nullopt;
  const auto word = [&](std::string_view key) {
    const json::value* found = object->if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
  };
  SubAgentCopy copy{word("root"), folder, word("session"), word("name"), 0};
  if (const json::value* reports = object->if_contains("reports");
      reports != nullptr && reports->is_int64())
    copy.reports = static_cast<std::uint32_t>(reports->get_int64());
  if (copy.root.empty()) return std::nullopt;
  return copy;
}

}  // namespace

std::string SubAgentCopy::place() const {
  return fs::path(folder).parent_path().parent_path().string();
}

PrivateCopy SubAgentCopy::files() const { return {root, folder, place() + "/texts"}; }

Result<void> SubAgentCopy::save() const {
  return snapshots::put_file(
      folder + "/copy.json",
      canonical_json(json::object{
          {"root", root}, {"session", session}, {"name", name}, {"reports", reports}}) +
          "\n",
      true);
}

std::string SubAgentCopies::place_of(const std::string& root) const {
  return fmt::format("{}/copies/{}", state_, digest_of(root).hex().substr(0, 24));
}

Result<std::string> SubAgentCopies::make(const std::string& folder, const std::string& session,
                                         const std::string& name) const {
  std::error_code trouble;
  const std::string start = fs::canonical(folder, trouble).string();
  if (trouble) return snapshots::cannot("find the folder", folder, trouble.value());
  const std::string top = snapshots::repository_top(start);
  const std::string root = top.empty() ? start : top;
  if (auto made = snapshots::make_folders(place_of(root)); !made)
    return std::unexpected(made.error());
  const std::string place = fs::canonical(place_of(root), trouble).string();
  if (trouble) return snapshots::cannot("find the folder", place_of(root), trouble.value());
  if (workspace::is_at_or_below(place, root))
    return fail(Error::Kind::refused,
                fmt::format("the state folder lies in the workspace `{}`", printable(root)),
                "pass `--state DIR` with one outside");
  remove_forgotten();
  const auto held = lock(place, LOCK_SH);
  if (!held) return std::unexpected(held.error());
  SubAgentCopy copy{root, place + "/trees/" + name, session, name, 0};
  if (auto made = snapshots::make_folders(place + "/trees"); !made)
    return std::unexpected(made.error());
  if (::mkdir(copy.folder.c_str(), 0700) != 0)
    return snapshots::cannot("make the folder", copy.folder, errno);
  const auto made = [&]() -> Result<void> {
    const auto base = copy.files().make("interlock/" + name);
    if (!base) return std::unexpected(base.error());
    if (auto kept = snapshots::put_file(copy.folder + "/base.json", base->to_text(), true); !kept)
      return kept;
    return copy.save();
  }();
  if (!made) {
    snapshots::remove_tree(copy.folder);
    return std::unexpected(made.error());
  }
  return copy.tree() + start.substr(root.size());
}

/// Of sessions whose end was never told: their clients were ended.
void SubAgentCopies::remove_forgotten() const {
  constexpr auto kForgottenAfter = std::chrono::days(7);
  forget_old_returns(state_);
  const auto now = fs::file_time_type::clock::now();
  for (const SubAgentCopy& copy : all()) {
    std::error_code trouble;
    const auto used = fs::last_write_time(copy.folder + "/copy.json", trouble);
    // What holds something of its own is refused, and stays.
    if (!trouble && now - used > kForgottenAfter) static_cast<void>(remove(copy));
  }
}

std::vector<SubAgentCopy> SubAgentCopies::all() const {
  std::vector<SubAgentCopy> copies;
  std::error_code trouble;
  const std::string top = fs::canonical(state_ + "/copies", trouble).string();
  for (const auto& place : fs::directory_iterator(top, trouble)) {
    std::error_code none;
    for (const auto& tree : fs::directory_iterator(place.path() / "trees", none)) {
      if (auto copy = read_copy(tree.path().string())) copies.push_back(std::move(*copy));
    }
  }
  std::ranges::sort(copies, {}, &SubAgentCopy::folder);
  return copies;
}

std::optional<SubAgentCopy> SubAgentCopies::find(const std::string& name) const {
  for (SubAgentCopy& copy : all()) {
    if (copy.name == name) return std::move(copy);
  }
  return std::nullopt;
}

std::optional<SubAgentCopy> SubAgentCopies::find_around(const std::string& path) const {
  for (SubAgentCopy& copy : all()) {
    if (workspace::is_at_or_below(path, copy.tree())) return std::move(copy);
  }
  return std::nullopt;
}

std::vector<SubAgentCopy> SubAgentCopies::of_session(const std::string& session) const {
  std::vector<SubAgentCopy> copies = all();
  std::erase_if(copies, [&](const SubAgentCopy& copy) { return copy.session != session; });
  return copies;
}

Result<BroughtBack> SubAgentCopies::bring_back(const SubAgentCopy& copy) const {
  const auto held = lock(copy.place(), LOCK_EX);
  if (!held) return std::unexpected(held.error());
  return return_changes(copy);
}

Result<void> SubAgentCopies::remove(const SubAgentCopy& copy) const {
  const auto held = lock(copy.place(), LOCK_EX);
  if (!held) return std::unexpected(held.error());
  const auto text = workspace::read_file(copy.folder + "/base.json", kKeptBytesMax);
  if (!text) return std::unexpected(text.error());
  const auto base = snapshots::base_from_text(*text);
  if (!base) return std::unexpected(base.error());
  const auto left = copy.files().changes(*base);
  if (!left) return std::unexpected(left.error());
  if (!left->changes.empty())
    return fail(Error::Kind::refused,
                fmt::format("`{}` in `{}` is not in the workspace",
                            changes::shown(left->changes.changes.front().path), copy.tree()),
                "take it over, or remove the folder yourself");
  snapshots::remove_tree(copy.folder);
  std::error_code none;
  const std::string place = copy.place();
  // The last one: their texts are nobody's.
  if (fs::is_empty(place + "/trees", none) && !none) snapshots::remove_tree(place + "/texts");
  return {};
}

}  // namespace interlock::runs
