#include "journal/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/digest.h"
#include "base/json.h"

namespace interlock::journal {
namespace {

namespace fs = std::filesystem;

fs::path run_lock(const std::string& state, const std::string& run) {
  return fs::path(state) / "runs" / run / "lock";
}

fs::path workspace_note(const std::string& state, const std::string& workspace) {
  return fs::path(state) / "workspaces" / (digest_of(workspace).brief() + ".json");
}

std::string text_of(const Holder& holder) {
  return json::serialize(json::object{{"run", holder.run},
                                      {"plan", holder.plan},
                                      {"pid", holder.pid},
                                      {"host", holder.host},
                                      {"since", holder.since.time_since_epoch().count()}}) +
         "\n";
}

/// What a holder wrote; nothing when it has not come to that yet.
std::optional<Holder> read_holder(const fs::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::object& object = value->get_object();
  const auto word = [&](const char* key) {
    const json::value* member = object.if_contains(key);
    return member != nullptr && member->is_string() ? std::string(member->get_string())
                                                    : std::string();
  };
  const auto number = [&](const char* key) {
    const json::value* member = object.if_contains(key);
    return member != nullptr && member->is_int64() ? member->get_int64() : 0;
  };
  return Holder{word("run"), word("plan"), number("pid"), word("host"),
                Time(Duration(number("since")))};
}

/// Whom the kernel names as the one with a `flock` on this file; 0 when it cannot tell (another pid
/// namespace).
std::int64_t pid_of_flock(const struct stat& file) {
  std::ifstream locks("/proc/locks");
  const std::string place =
      fmt::format("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
  for (std::string line; std::getline(locks, line);) {
    char kind[16] = {}, at[64] = {};
    long pid = 0;
    const bool known = std::sscanf(line.c_str(), "%*s %15s %*s %*s %ld %63s", kind, &pid, at) == 3;
    if (known && std::strcmp(kind, "FLOCK") == 0 && place == at && pid > 0) return pid;
  }
  return 0;
}

std::unexpected<Error> os_refused(const std::string& doing, const fs::path& path) {
  return fail(Error::Kind::io,
              fmt::format("cannot {} `{}`: {}", doing, path.string(), std::strerror(errno)));
}

/// A lock on the whole file that belongs to the descriptor (and not to the process, as plain record
/// locks do).
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

Result<void> make_parent(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (!error) return {};
  return fail(Error::Kind::io, fmt::format("cannot make the folder `{}`: {}",
                                           path.parent_path().string(), error.message()));
}

}  // namespace

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<RunLock> lock_run(const std::string& state, const Holder& holder) {
  const fs::path path = run_lock(state, holder.run);
  if (auto made = make_parent(path); !made) return std::unexpected(made.error());
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return os_refused("open", path);
  RunLock run_lock(file);
  struct flock lock = whole_file();
  if (::fcntl(file, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return os_refused("lock", path);
    return std::unexpected(held_by(fmt::format("run `{}`", holder.run), read_holder(path)));
  }
  const std::string text = text_of(holder);
  const bool written = ::ftruncate(file, 0) == 0 && ::pwrite(file, text.data(), text.size(), 0) ==
                                                        static_cast<ssize_t>(text.size());
  if (!written) return os_refused("write", path);
  return run_lock;
}

Result<RunLock> lock_workspace(const std::string& state, const std::string& workspace,
                               const Holder& holder) {
  const int folder = ::open(workspace.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return os_refused("open the workspace", workspace);
  RunLock run_lock(folder);
  const fs::path note = workspace_note(state, workspace);
  if (::flock(folder, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_refused("lock the workspace", workspace);
    struct stat file{};
    ::fstat(folder, &file);
    auto named = read_holder(note);
    // The note may be an old one: who holds the folder now may have written it elsewhere.
    if (const std::int64_t pid = pid_of_flock(file); pid != 0 && (!named || named->pid != pid))
      named = Holder{{}, {}, pid, {}, {}};
    Error error = held_by(fmt::format("the workspace `{}`", workspace), named);
    if (named && !named->run.empty())
      error.hint = fmt::format(
          "`interlock run --wait-for-workspace` waits for it, `interlock cancel {}` ends it",
          named->run);
    return std::unexpected(std::move(error));
  }
  if (auto noted = note_workspace_holder(state, workspace, holder); !noted)
    return std::unexpected(noted.error());
  return run_lock;
}

Result<void> note_workspace_holder(const std::string& state, const std::string& workspace,
                                   const Holder& holder) {
  const fs::path note = workspace_note(state, workspace);
  if (auto made = make_parent(note); !made) return made;
  std::ofstream(note, std::ios::trunc) << text_of(holder);
  return {};
}

std::optional<Holder> holder_of_run(const std::string& state, const std::string& run) {
  const fs::path path = run_lock(state, run);
  const RunLock file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.descriptor() < 0) return std::nullopt;
  struct flock lock = whole_file();
  const bool asked = ::fcntl(file.descriptor(), F_OFD_GETLK, &lock) == 0;
  if (!asked || lock.l_type == F_UNLCK) return std::nullopt;
  return read_holder(path).value_or(Holder{run, {}, 0, {}, {}});
}

}  // namespace interlock::journal
