#include "process/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace interlock::process {
namespace {

/// As far as the kernel goes from script to interpreter to interpreter.
constexpr int kScriptsMax = 5;

/// Devices that hold nothing, and its own /proc: writing there changes no file.
bool holds_nothing(pid_t process, std::string_view path) {
  constexpr std::array<std::string_view, 7> kDevices{"/dev/null",   "/dev/zero",    "/dev/full",
                                                     "/dev/random", "/dev/urandom", "/dev/tty",
                                                     "/dev/ptmx"};
  return !path.starts_with('/') || std::ranges::find(kDevices, path) != kDevices.end() ||
         path.starts_with("/dev/pts/") || path.starts_with(fmt::format("/proc/{}/", process));
}

/// `/proc/self/fd/5` and the like: what the descriptor is open on.
std::optional<std::string> behind_descriptor(pid_t process, const std::string& path) {
  for (const std::string& folder :
       {std::string("/proc/self/fd/"), std::string("/proc/thread-self/fd/"),
        std::string("/dev/fd/"), fmt::format("/proc/{}/fd/", process)}) {
    if (!path.starts_with(folder)) continue;
    int descriptor = -1;
    const char* const end = path.data() + path.size();
    const auto parsed = std::from_chars(path.data() + folder.size(), end, descriptor);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return folder_behind(process, descriptor);
  }
  return std::nullopt;
}

/// What a script's first line names; empty where it names nothing.
std::string interpreter_in(std::string_view beginning) {
  if (!beginning.starts_with("#!")) return "";
  beginning = beginning.substr(2, beginning.find('\n') - 2);
  beginning.remove_prefix(std::min(beginning.find_first_not_of(" \t"), beginning.size()));
  return std::string(beginning.substr(0, beginning.find_first_of(" \t")));
}

bool has_effect(const ToldCall& call, const ToldCall::Named& name, Sight::There there) {
  const bool is_there = there != Sight::There::nothing;
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

bool changes(const ToldCall& call) {
  using Deed = PathCall::Deed;
  const Deed deed = call.call->deed;
  return deed == Deed::change || deed == Deed::make_folder || deed == Deed::change_mode ||
         call.writes_what_it_opens();
}

/// The old name of a hard link: it gets a second name, and stays what it is.
bool is_only_linked(const ToldCall& call, const ToldCall::Named& name) {
  const long number = call.call->number;
  bool links = number == SYS_linkat;
#ifdef SYS_link
  links = links || number == SYS_link;
#endif
  return links && &name == call.names.data();
}

}  // namespace

Record::Verdict Record::judge(pid_t process, const ToldCall& call) const {
  Verdict verdict;
  verdict.gap = call.gap;
  for (const ToldCall::Named& name : call.names) {
    std::string path = as_text(name.path);
    const bool writes = changes(call) && !is_only_linked(call, name);
    if (auto behind = behind_descriptor(process, path); behind && behind->starts_with('/')) {
      if (writes) verdict.written.insert(*behind);
      (call.opens() ? verdict.opened : verdict.looked_at).insert(std::move(*behind));
    }
    if (writes) verdict.written.insert(path);
    (call.opens() ? verdict.opened : verdict.looked_at).insert(std::move(path));
    if (bounds_.any()) {
      if (changes(call)) judge_change(process, call, name, verdict);
      if (call.opens()) judge_read(process, name, verdict);
    }
    if (call.call->deed == PathCall::Deed::execute) follow_script(process, name, verdict);
  }
  if (!keeps_looks_) verdict.looked_at.clear();
  return verdict;
}

/// Landlock keeps it from what lies outside; inside a workspace that is kept to patterns, and for
/// modes and owners, only we do.
void Record::judge_change(pid_t process, const ToldCall& call, const ToldCall::Named& name,
                          Verdict& verdict) const {
  const Sight sight(process);
  const Landing landing = sight.land(name.path, name.follows);
  if (holds_nothing(process, landing.path)) return;
  const bool makes_folder = call.call->deed == PathCall::Deed::make_folder;
  if (!landing.elsewhere && bounds_.may_change(landing.path, makes_folder)) return;
  if (!landing.elsewhere && !has_effect(call, name, sight.look_at(landing.path))) return;
  verdict.denied.insert({landing.elsewhere ? as_text(name.path) : landing.path, true});
  if (bounds_.is_held(landing.path) || call.call->deed == PathCall::Deed::change_mode) {
    verdict.error = EACCES;
  }
}

void Record::judge_read(pid_t process, const ToldCall::Named& name, Verdict& verdict) const {
  if (!bounds_.holds_reads()) return;
  const Sight sight(process);
  const Landing landing = sight.land(name.path, name.follows);
  if (landing.elsewhere || !bounds_.is_held(landing.path)) return;
  const auto there = sight.look_at(landing.path);
  if (there == Sight::There::nothing) return;
  if (bounds_.may_read(landing.path, there == Sight::There::folder)) return;
  verdict.denied.insert({landing.path, false});
  verdict.error = EACCES;
}

/// The kernel opens a script's interpreter itself, so that nobody is told.
void Record::follow_script(pid_t process, const ToldCall::Named& name, Verdict& verdict) const {
  const Sight sight(process);
  std::string path = name.path;
  for (int script = 0; script < kScriptsMax; ++script) {
    std::string interpreter = interpreter_in(sight.beginning_of(sight.land(path, true).path));
    if (interpreter.empty()) return;
    if (!interpreter.starts_with('/')) {
      const auto folder = folder_behind(process, AT_FDCWD);
      if (!folder) return;
      interpreter = fmt::format("{}/{}", *folder, interpreter);
    }
    path = as_text(interpreter);
    if (bounds_.is_in_workspace(path)) verdict.opened.insert(path);
  }
}

void Record::note(Verdict verdict) {
  for (const std::string& path : verdict.opened) opened_.insert(path);
  for (const std::string& path : verdict.looked_at) looked_at_.insert(path);
  for (const std::string& path : verdict.written) written_.insert(path);
  denied_.merge(verdict.denied);
  if (!verdict.gap.empty()) note_gap(verdict.gap);
}

engine::Observed Record::so_far(bool over) const {
  engine::Observed observed;
  observed.complete = over && gap_.empty();
  observed.gap = gap_.empty() && !over ? "it still runs" : gap_;
  observed.opened.insert(opened_.begin(), opened_.end());
  observed.looked_at.insert(looked_at_.begin(), looked_at_.end());
  observed.written.insert(written_.begin(), written_.end());
  observed.denied = denied_;
  return observed;
}

}  // namespace interlock::process
