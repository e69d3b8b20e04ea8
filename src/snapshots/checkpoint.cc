#include "snapshots/checkpoint.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "snapshots/apply.h"
#include "snapshots/files.h"
#include "sys/asked_to_end.h"
#include "sys/sync.h"
#include "workspace/beneath.h"
#include "workspace/content.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

using changes::Kind;
using changes::State;
using workspace::folder_of;
using workspace::join;
using workspace::open_beneath;

namespace {

constexpr std::size_t kIntentBytesMax = 64u << 20;

}  // namespace

Checkpoint::Checkpoint(Options options, const std::vector<workspace::Layer>& layers)
    : options_(std::move(options)),
      top_(::open(options_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  for (const workspace::Layer& layer : layers) {
    for (const changes::Change& change : layer.changes->changes) {
      const auto [at, is_new] = targets_.try_emplace(change.path);
      if (is_new) at->second.before = change.before;
      at->second.after = change.after;
      at->second.source = layer.after;
      at->second.between.push_back(change.after);
    }
  }
}

Result<std::vector<std::string>> Checkpoint::check() {
  if (!top_) return cannot("open the workspace", options_.root, errno);
  if (auto read = read_intent(); !read) return std::unexpected(read.error());
  if (auto done = restore_what_was_kept(); !done) return std::unexpected(done.error());
  // What came back to what it was needs nothing, unless a checkpoint stopped in between.
  if (!goes_on_)
    std::erase_if(targets_, [](const auto& t) { return t.second.before == t.second.after; });
  std::vector<std::string> foreign;
  sys::InterruptionCheck check;
  for (auto& [path, target] : targets_) {
    if (check.is_due()) return cannot("read", path, EINTR);
    auto actual = state_beneath(top_.get(), path, true);
    if (!actual) return std::unexpected(actual.error());
    target.actual = *actual;
    target.is_due = target.actual != target.after;
    if (target.is_due && !is_ours(target)) foreign.push_back(path);
  }
  for (const auto& [path, target] : targets_) {
    if (target.is_due) check_neighbours(path, target, foreign);
  }
  std::ranges::sort(foreign);
  const auto doubles = std::ranges::unique(foreign);
  foreign.erase(doubles.begin(), doubles.end());
  return foreign;
}

/// A checkpoint that was broken off may have died between taking what stood at a path and looking
/// at it.
Result<void> Checkpoint::restore_what_was_kept() {
  if (!goes_on_) return {};
  for (const auto& [path, target] : targets_) {
    const auto folder =
        open_beneath(top_.get(), std::string(folder_of(path)), O_RDONLY | O_DIRECTORY);
    if (!folder) continue;
    const Beside beside(options_.temporary_prefix, path);
    auto kept = state_beneath(folder.get(), beside.aside(), true);
    if (!kept) return std::unexpected(kept.error());
    if (kept->kind == Kind::absent) continue;
    const auto is_of_checkpoint = [&](const State& state) {
      return state == target.after ||
             std::ranges::find(target.between, state) != target.between.end();
    };
    const std::string name(workspace::name_of(path));
    if (*kept != target.before && !is_of_checkpoint(*kept)) {
      const auto there = state_beneath(folder.get(), name, true);
      if (!there) return std::unexpected(there.error());
      const bool goes =
          is_of_checkpoint(*there) && ::renameat2(folder.get(), beside.aside().c_str(),
                                                  folder.get(), name.c_str(), RENAME_EXCHANGE) == 0;
      if (!goes) {
        if (auto back = requeue(folder.get(), beside, path); !back) return back;
        continue;
      }
    }
    if (::unlinkat(folder.get(), beside.aside().c_str(), 0) != 0) {
      return cannot("delete", beside.aside(), errno);
    }
  }
  return {};
}

/// Whether what is there is what the layers took for granted, or a checkpoint's doing.
bool Checkpoint::is_ours(const Target& target) const {
  if (target.actual == target.before) return true;
  if (!goes_on_) return false;
  if (std::ranges::find(target.between, target.actual) != target.between.end()) return true;
  const auto some = [&](Kind kind) {
    return target.before.kind == kind ||
           std::ranges::any_of(target.between, [&](const State& s) { return s.kind == kind; });
  };
  // Folders get their modes last, and give way to other things by way of nothing.
  return some(Kind::folder) &&
         (target.actual.kind == Kind::folder || target.actual.kind == Kind::absent);
}

/// What nobody told of, and what stands in the way: things in a folder that is to go, and a missing
/// folder where something is to come.
void Checkpoint::check_neighbours(const std::string& path, const Target& target,
                                  std::vector<std::string>& foreign) const {
  if (target.actual.kind == Kind::folder && target.after.kind != Kind::folder) {
    for (const std::string& name : workspace::Stack(options_.root, {}).names(path)) {
      const auto known = targets_.find(join(path, name));
      const bool is_half_written = goes_on_ && name.starts_with(options_.temporary_prefix);
      const bool goes = known != targets_.end() && known->second.after.kind == Kind::absent;
      if (!goes && !is_half_written) foreign.push_back(join(path, name));
    }
  }
  const std::string folder(folder_of(path));
  if (target.after.kind == Kind::absent || folder.empty()) return;
  const auto known = targets_.find(folder);
  if (known != targets_.end() && known->second.after.kind == Kind::folder) return;
  if (!open_beneath(top_.get(), folder, O_PATH | O_DIRECTORY)) foreign.push_back(folder);
}

/// Records of `<mode in octal> <path>`, each ended by NUL: a path may hold anything else.
Result<void> Checkpoint::read_intent() {
  auto text = workspace::read_file(options_.intent, kIntentBytesMax);
  if (!text) {
    if (text.error().kind == Error::Kind::missing) return {};
    return std::unexpected(text.error());
  }
  goes_on_ = true;
  std::string_view rest = *text;
  for (std::size_t end = rest.find('\0'); end != std::string_view::npos; end = rest.find('\0')) {
    const std::string record(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    const std::size_t space = record.find(' ');
    if (space == std::string::npos) continue;
    closed_.emplace(record.substr(space + 1),
                    static_cast<mode_t>(std::strtoul(record.c_str(), nullptr, 8)));
  }
  return {};
}

/// Folders of ours that take nothing in as they are.
void Checkpoint::find_closed() {
  if (::geteuid() == 0) return;
  for (const auto& [path, target] : targets_) {
    if (!target.is_due) continue;
    const std::string folder(folder_of(path));
    const auto opened = open_beneath(top_.get(), folder, O_PATH | O_DIRECTORY);
    struct stat status{};
    if (!opened || ::fstat(opened.get(), &status) != 0) continue;
    if ((status.st_mode & S_IRWXU) != S_IRWXU) closed_.emplace(folder, status.st_mode & 07777);
  }
}

Result<void> Checkpoint::begin() {
  find_closed();
  std::string text;
  for (const auto& [path, mode] : closed_) {
    text += fmt::format("{:o} {}", mode, path);
    text += '\0';
  }
  if (options_.before_step) options_.before_step();
  return put_file(options_.intent, text, true);
}

Result<std::vector<std::string>> Checkpoint::apply() {
  Apply apply(top_.get(), options_.temporary_prefix, options_.before_step);
  if (goes_on_) {
    for (const auto& [path, target] : targets_)
      apply.clear_half_written(std::string(folder_of(path)));
  }
  for (const auto& [path, mode] : closed_) apply.open_folder(path, mode);
  if (auto done = apply.run(targets_); !done) return std::unexpected(done.error());
  for (const auto& [path, mode] : closed_) {
    const auto known = targets_.find(path);
    if (known == targets_.end()) apply.set_folder_mode(path, mode);
  }
  if (const int failed = sys::sync_file_system(top_.get()); failed != 0)
    return cannot("write", options_.root, failed);
  return apply.conflicts();
}

Result<void> Checkpoint::finish() {
  if (options_.before_step) options_.before_step();
  if (::unlink(options_.intent.c_str()) != 0 && errno != ENOENT)
    return cannot("remove", options_.intent, errno);
  return {};
}

}  // namespace interlock::snapshots
