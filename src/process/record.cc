#include "process/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace interlock::process {
namespace {

/// As far as the kernel goes from script to interpreter to interpreter.
constexpr int kScriptsMax = 5;
/// How many folders outside of the workspace are remembered.
constexpr std::size_t kFoldersMax = 1 << 14;

/// Devices that hold nothing, and its own /proc: writing there changes no file.
bool holds_nothing(pid_t process, std::string_view path) {
  constexpr std::array<std::string_view, 7> kDevices{"/dev/null",   "/dev/zero",    "/dev/full",
                                                     "/dev/random", "/dev/urandom", "/dev/tty",
                                                     "/dev/ptmx"};
  return !path.starts_with('/') || std::ranges::find(kDevices, path) != kDevices.end() ||
         path.starts_with("/dev/pts/") || path.starts_with(fmt::format("/proc/{}/", process));
}

/// What a script's first line names; empty where it names nothing.
std::string interpreter_in(std::string_view beginning) {
  if (!beginning.starts_with("#!")) return "";
  beginning = beginning.substr(2, beginning.find('\n') - 2);
  beginning.remove_prefix(std::min(beginning.find_first_not_of(" \t"), beginning.size()));
  return std::string(beginning.substr(0, beginning.find_first_of(std::string_view(" \t\0", 3))));
}

bool has_effect(const NotifiedCall& call, const NotifiedCall::Named& name,
                ForeignFiles::There there) {
  const bool is_there = there != ForeignFiles::There::nothing;
  if (call.writes_what_it_opens()) {
    if ((call.flags & O_CREAT) == 0) return is_there;
    if ((call.flags & O_EXCL) != 0) return !is_there;
    const bool only_makes = (call.flags & O_ACCMODE) == O_RDONLY && (call.flags & O_TRUNC) == 0;
    return !only_makes || !is_there;
  }
  switch (name.effective) {
    case PathCall::If::there: return is_there;
    case PathCall::If::absent: return !is_there;
    case PathCall::If::either: return true;
  }
  return true;
}

bool changes(const NotifiedCall& call) {
  using Deed = PathCall::Deed;
  const Deed deed = call.call->deed;
  return deed == Deed::change || deed == Deed::make_folder || deed == Deed::make_link ||
         deed == Deed::change_mode || call.writes_what_it_opens();
}

/// Whether what was there decides what comes of it: what it held may stay, or it has to be absent.
bool goes_by_what_was(const NotifiedCall& call) {
  using Deed = PathCall::Deed;
  if (call.writes_what_it_opens()) return (call.flags & O_TRUNC) == 0 || (call.flags & O_EXCL) != 0;
  return call.call->deed == Deed::make_folder || call.call->deed == Deed::make_link;
}

/// Whether what the first name has goes on under the second: then what it holds matters.
bool moves(const NotifiedCall& call) {
  return call.call->deed == PathCall::Deed::change && call.call->second.path >= 0;
}
/// Or the other way round as well (RENAME_EXCHANGE).
bool may_exchange(const NotifiedCall& call) { return call.call->number == SYS_renameat2; }

/// readlink(2) says of it that no link is there.
bool is_no_link(int error) {
  return error == EINVAL || error == ENOENT || error == ENOTDIR || error == EACCES;
}

/// The old name of a hard link: it gets a second name, and stays what it is.
bool is_only_linked(const NotifiedCall& call, const NotifiedCall::Named& name) {
  const long number = call.call->number;
  bool links = number == SYS_linkat;
#ifdef SYS_link
  links = links || number == SYS_link;
#endif
  return links && &name == call.names.data();
}

}  // namespace

Record::Record(const engine::Sandbox& sandbox)
    : bounds_(sandbox), keeps_looks_(sandbox.watch == engine::Sandbox::Watch::all) {}

Record::Verdict Record::judge(const Caller& caller, const NotifiedCall& call) {
  Verdict verdict;
  verdict.gap = call.gap;
  if (!makes_links_) makes_links_ = may_make_links(caller, call);
  for (const Named& name : call.names) {
    const bool is_moved = moves(call) && (&name == &call.names.front() || may_exchange(call));
    see(caller, name, call.opens() || is_moved, verdict);
    if (changes(call) && !is_only_linked(call, name)) note_written(caller, name, verdict);
    verdict.goes_by_what_was = goes_by_what_was(call);
    if (bounds_.any()) {
      if (changes(call)) judge_change(caller, call, name, verdict);
      if (call.opens()) judge_read(caller, name, verdict);
    }
    if (call.call->deed == PathCall::Deed::execute) follow_script(caller, name, verdict);
  }
  if (!keeps_looks_) verdict.looked_at.clear();
  return verdict;
}

/// As `see` does it; what cannot be followed has its gap from there.
void Record::note_written(const Caller& caller, const Named& name, Verdict& verdict) {
  if (name.from_deleted) return;
  std::string text = as_text(name.path);
  const bool is_plain = !goes_up(name.path) && bounds_.is_in_workspace(text);
  if (!is_plain || makes_links_) {
    ForeignPath place = land(caller, name);
    if (place.kind == ForeignPath::Kind::path) verdict.written.insert(std::move(place.path));
  }
  if (is_plain) verdict.written.insert(std::move(text));
}

/// A path inside the workspace is noted as it was put, for its links are followed later, in the
/// tree that the attempt found and in the one that it leaves. Any other, and where links may have
/// come and gone in between, is followed now.
void Record::see(const Caller& caller, const Named& name, bool opens, Verdict& verdict) {
  std::string text = as_text(name.path);
  if (name.from_deleted) {
    // Below such a folder nothing is ever found; above it may be anything.
    if (goes_up(name.path) || bounds_.is_in_workspace(text))
      verdict.gap = fmt::format("it used `{}`, from a folder that was deleted", name.path);
    return;
  }
  const bool is_plain = !goes_up(name.path) && bounds_.is_in_workspace(text);
  if (is_plain && text.size() >= PATH_MAX) {
    verdict.gap =
        fmt::format("a path of process {} is longer than can be followed", caller.process());
    return;
  }
  if (!is_plain || makes_links_) see_landed(land(caller, name), name, opens, verdict);
  if (is_plain) (opens ? verdict.opened : verdict.looked_at).insert(std::move(text));
}

void Record::see_landed(const ForeignPath& landed, const Named& name, bool opens,
                        Verdict& verdict) const {
  using Kind = ForeignPath::Kind;
  for (const std::string& link : landed.links) {
    // Where looks do not count, that of a link at its target still does.
    if (bounds_.is_in_workspace(link))
      (keeps_looks_ ? verdict.looked_at : verdict.opened).insert(link);
  }
  if (landed.kind == Kind::unknown) verdict.gap = landed.why;
  if (landed.kind != Kind::path || !bounds_.is_in_workspace(landed.path)) return;
  if (landed.elsewhere) {
    // What another attempt has at the workspace's path is nothing that this one was given.
    verdict.gap = fmt::format("it looked into another process's files, by `{}`", name.path);
  } else {
    (opens ? verdict.opened : verdict.looked_at).insert(landed.path);
  }
}

/// Where the name leads. Most are of libraries and the like, in folders that the attempt cannot
/// change: the way to each of these is found once.
ForeignPath Record::land(const Caller& caller, const Named& name) {
  const auto slash = name.path.rfind('/');
  const std::string last = name.path.substr(slash + 1);
  std::string folder = name.path.substr(0, slash);
  const bool is_simple = !last.empty() && last != "." && last != ".." && last.size() <= NAME_MAX;
  if (!is_simple || folder.empty() || !stays_as_it_is(as_text(folder)))
    return caller.land(name.path, name.follows);
  auto known = folders_outside_.find(folder);
  if (known == folders_outside_.end()) {
    ForeignPath landed = caller.land(folder, true);
    if (landed.kind != ForeignPath::Kind::path || !stays_as_it_is(landed.path))
      return caller.land(name.path, name.follows);
    if (folders_outside_.size() >= kFoldersMax) folders_outside_.clear();
    known = folders_outside_.emplace(std::move(folder), std::move(landed)).first;
  }
  ForeignPath landed = known->second;
  landed.path = landed.path == "/" ? "/" + last : landed.path + "/" + last;
  if (name.follows && !is_no_link(caller.read_link(landed.path).error))
    return caller.land(name.path, name.follows);
  return landed;
}

/// Outside of the workspace, where the attempt cannot write; and no link in it means whoever asks.
bool Record::stays_as_it_is(const std::string& folder) const {
  const auto is_at_or_below = [&](std::string_view top) {
    return folder.starts_with(top) && (folder.size() == top.size() || folder[top.size()] == '/');
  };
  return !bounds_.is_in_workspace(folder) && !bounds_.may_change(folder, false) &&
         !is_at_or_below("/proc") && !is_at_or_below("/dev");
}

/// A link that an attempt makes, or moves to another name, may be gone again when it ends: then
/// neither tree says where it led.
bool Record::may_make_links(const Caller& caller, const NotifiedCall& call) {
  if (call.call->deed == PathCall::Deed::make_link) return true;
  if (!moves(call) || call.names.empty()) return false;
  const ForeignPath moved = caller.land(call.names.front().path, false);
  if (moved.kind != ForeignPath::Kind::path) return moved.kind == ForeignPath::Kind::unknown;
  const auto there = caller.look_at(moved.path);
  return there == ForeignFiles::There::folder || there == ForeignFiles::There::unknown ||
         !is_no_link(caller.read_link(moved.path).error);
}

/// Landlock keeps it from what lies outside; inside a workspace that is kept to patterns, and for
/// modes and owners, only we do.
void Record::judge_change(const Caller& caller, const NotifiedCall& call, const Named& name,
                          Verdict& verdict) const {
  using Kind = ForeignPath::Kind;
  const bool is_ours_to_hold =
      bounds_.holds_reads() || call.call->deed == PathCall::Deed::change_mode;
  const ForeignPath foreign = caller.land(name.path, name.follows);
  if (foreign.kind == Kind::unknown || (name.from_deleted && goes_up(name.path))) {
    if (foreign.kind == Kind::unknown) verdict.gap = foreign.why;
    if (is_ours_to_hold) verdict.error = EACCES;
    return;
  }
  if (foreign.kind != Kind::path || name.from_deleted) return;
  if (holds_nothing(caller.process(), foreign.path)) return;
  const bool makes_folder = call.call->deed == PathCall::Deed::make_folder;
  if (!foreign.elsewhere && bounds_.may_change(foreign.path, makes_folder)) return;
  if (!foreign.elsewhere && !has_effect(call, name, caller.look_at(foreign.path))) return;
  verdict.denied.insert({foreign.elsewhere ? as_text(name.path) : foreign.path, true});
  if (bounds_.is_held(foreign.path) || call.call->deed == PathCall::Deed::change_mode) {
    verdict.error = EACCES;
  }
}

void Record::judge_read(const Caller& caller, const Named& name, Verdict& verdict) const {
  using Kind = ForeignPath::Kind;
  if (!bounds_.holds_reads()) return;
  const ForeignPath foreign = caller.land(name.path, name.follows);
  if (foreign.kind == Kind::unknown || (name.from_deleted && goes_up(name.path))) {
    if (foreign.kind == Kind::unknown) verdict.gap = foreign.why;
    verdict.error = EACCES;
    return;
  }
  if (foreign.kind != Kind::path || name.from_deleted) return;
  if (foreign.elsewhere || !bounds_.is_held(foreign.path)) return;
  const auto there = caller.look_at(foreign.path);
  if (there == ForeignFiles::There::nothing) return;
  if (bounds_.may_read(foreign.path, there == ForeignFiles::There::folder)) return;
  verdict.denied.insert({foreign.path, false});
  verdict.error = EACCES;
}

/// The kernel opens a script's interpreter itself, so that nobody is told.
void Record::follow_script(const Caller& caller, const Named& name, Verdict& verdict) {
  using Kind = ForeignPath::Kind;
  Named script = name;
  for (int depth = 0; depth < kScriptsMax; ++depth) {
    const ForeignPath foreign = caller.land(script.path, true);
    if (foreign.kind != Kind::path) return;
    std::string interpreter = interpreter_in(caller.beginning_of(foreign.path));
    if (interpreter.empty()) return;
    script = {};
    if (!interpreter.starts_with('/')) {
      const ForeignPath folder = caller.folder(AT_FDCWD);
      if (folder.kind == Kind::unknown) verdict.gap = folder.why;
      if (folder.kind != Kind::path) return;
      interpreter = fmt::format("{}/{}", folder.path, interpreter);
    }
    script.path = std::move(interpreter);
    script.follows = true;
    see(caller, script, true, verdict);
  }
}

void Record::note(Verdict verdict) {
  for (const std::string& path : verdict.written) {
    if (written_.contains(path)) continue;
    if (verdict.goes_by_what_was || opened_.contains(path) || looked_at_.contains(path))
      updated_.insert(path);
  }
  for (const std::string& path : verdict.opened) opened_.insert(path);
  for (const std::string& path : verdict.looked_at) looked_at_.insert(path);
  for (const std::string& path : verdict.written) written_.insert(path);
  denied_.merge(verdict.denied);
  if (verdict.gap.empty()) return;
  may_have_read_anything_ = true;
  if (gap_.empty()) gap_ = std::move(verdict.gap);
}

engine::Observed Record::so_far(bool over) const {
  engine::Observed observed;
  observed.complete = over && gap_.empty() && broken_.empty();
  observed.gap = gap_.empty() && !over ? "it still runs" : gap_;
  observed.may_have_read_anything = may_have_read_anything_;
  observed.broken = broken_;
  observed.opened.insert(opened_.begin(), opened_.end());
  observed.looked_at.insert(looked_at_.begin(), looked_at_.end());
  observed.written.insert(written_.begin(), written_.end());
  observed.updated.insert(updated_.begin(), updated_.end());
  observed.denied = denied_;
  return observed;
}

}  // namespace interlock::process
