#include "process/landlock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "footprint/overlap.h"
#include "process/bounds.h"
#include "process/fd.h"

namespace interlock::process {
namespace {

namespace fs = std::filesystem;

constexpr unsigned long kExecute = 1 << 0;
constexpr unsigned long kWriteFile = 1 << 1;
constexpr unsigned long kReadFile = 1 << 2;
constexpr unsigned long kReadFolder = 1 << 3;
constexpr unsigned long kFirstEdition = (1 << 13) - 1;
constexpr unsigned long kRefer = 1 << 13;
constexpr unsigned long kTruncate = 1 << 14;
constexpr unsigned long kDeviceControl = 1 << 15;
constexpr unsigned long kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kDeviceControl;
constexpr std::uint64_t kScopeSockets = 1 << 0;
constexpr std::uint64_t kScopeSignals = 1 << 1;
constexpr unsigned kAskForEdition = 1;

unsigned long all_rights(int abi) {
  return kFirstEdition | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0) |
         (abi >= 5 ? kDeviceControl : 0);
}

/// The rules of one sandbox, as they are collected.
class Rules {
 public:
  explicit Rules(int abi) : known_(all_rights(abi)) {}

  void may_read(std::string path) { add(std::move(path), kExecute | kReadFile | kReadFolder); }
  void may_list(std::string path) { add(std::move(path), kReadFolder); }
  void may_change(std::string path) { add(std::move(path), known_); }
  void may_read_below(std::string top, std::string path) {
    add(std::move(top), kExecute | kReadFile | kReadFolder, std::move(path));
  }
  void may_change_below(std::string top, std::string path) {
    add(std::move(top), known_, std::move(path));
  }
  void may_use(std::string path) {
    add(std::move(path), kReadFile | kWriteFile | kReadFolder | kTruncate | kDeviceControl);
  }
  void may_use_terminals(std::string path) {
    may_use(std::move(path));
    rules_.back().if_terminals = true;
  }
  std::vector<LandlockRule> take() { return std::move(rules_); }

 private:
  void add(std::string path, unsigned long rights, std::string below = {}) {
    rights &= known_;
    rules_.push_back({std::move(path), std::move(below), {rights, rights & kOfFiles}});
  }

  unsigned long known_;
  std::vector<LandlockRule> rules_;
};

/// All that is in `folder` but for `name`. Links need no rule: what they lead to has one. Of
/// devices those that may be used have rules of their own: disks, memory, what others type.
void may_read_in(const fs::path& folder, const fs::path& name, Rules& rules) {
  if (folder == "/dev") return;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (at->path().filename() != name && at->path() != "/dev" && !at->is_symlink(error))
      rules.may_read(at->path());
  }
}

/// Everything but the workspace: all that lies beside it or beside a folder on the way to it.
void may_read_beside(const fs::path& workspace, Rules& rules) {
  fs::path folder = "/";
  for (const fs::path& name : workspace.relative_path()) {
    may_read_in(folder, name, rules);
    folder /= name;
  }
}

/// The folder in which what the pattern names would be made, changed and removed, relative to the
/// workspace: the prefix as far as there are folders. A link is none: it is changed where it
/// stands.
std::string folder_to_change(const std::string& workspace, const std::string& prefix) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd folder(::open(workspace.c_str(), kFlags));
  std::string there;
  for (const fs::path& name : fs::path(prefix)) {
    if (!folder) break;
    folder = Fd(::openat(folder.get(), name.c_str(), kFlags));
    if (folder) there += (there.empty() ? "" : "/") + name.string();
  }
  return there;
}

void hold_to(const footprint::Footprint& footprint, const std::string& workspace, Rules& rules) {
  may_read_beside(workspace, rules);
  // Rules cannot tell a folder from those below it; the observer does.
  rules.may_list("/");
  if (footprint.unknown) {
    rules.may_change(workspace);
    return;
  }
  rules.may_read_below(workspace, ".git");
  for (const footprint::Glob& glob : footprint.reads.include) {
    rules.may_read_below(workspace, glob.literal_prefix());
  }
  for (const footprint::Glob& glob : footprint.writes.include) {
    rules.may_change_below(workspace, folder_to_change(workspace, glob.literal_prefix()));
  }
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskForEdition);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

RuledActs ruled_acts(int abi) {
  return {.files = all_rights(abi), .scopes = abi >= 6 ? kScopeSockets | kScopeSignals : 0};
}

std::vector<LandlockRule> landlock_rules(const engine::Sandbox& sandbox, int abi) {
  Rules rules(abi);
  // What lies beside a folder is told by where it really is.
  const std::string workspace = without_links(sandbox.workspace);
  if (sandbox.held_to) {
    hold_to(*sandbox.held_to, workspace, rules);
  } else {
    may_read_in("/", {}, rules);
    rules.may_list("/");
  }
  for (const std::string& path : sandbox.writable) {
    // The footprint says more of the workspace than that it may be written.
    if (sandbox.held_to && footprint::is_at_or_below(workspace, without_links(path))) continue;
    rules.may_change(path);
  }
  // /dev/tty is its own terminal, and it begins without one.
  for (const char* device :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    rules.may_use(device);
  }
  for (const char* place : {"/dev/ptmx", "/dev/pts"}) rules.may_use_terminals(place);
  return rules.take();
}

}  // namespace interlock::process
