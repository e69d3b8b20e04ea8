#include "process/trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "process/enclose.h"
#include "process/launch.h"
#include "process/program.h"

namespace interlock::process {

Result<Trial> Trial::open(const std::string& folder) {
  std::string name = folder + "/interlock-probe-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(Error::Kind::io,
                fmt::format("cannot make a folder in `{}`: {}", folder, std::strerror(errno)));
  }
  return Trial(std::move(name));
}

void remove_with_overlay_work(const std::string& folder, const std::string& work) {
  // An overlay leaves these without any rights, and its user may not enter them.
  for (const char* made : {"/work", "/work/incompat", "/work/incompat/volatile"}) {
    ::chmod((work + made).c_str(), 0700);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

Trial::~Trial() {
  if (!folder_.empty()) remove_with_overlay_work(folder_, folder_ + "/work");
}

Result<engine::Enclosure> Trial::picture(int layers) const {
  engine::Enclosure enclosure;
  enclosure.workspace = folder_ + "/ws";
  enclosure.picture = {
      .at = enclosure.workspace, .upper = folder_ + "/up", .work = folder_ + "/work"};
  auto wanted = std::vector{enclosure.workspace, enclosure.picture->upper, enclosure.picture->work};
  for (int layer = 0; layer < layers; ++layer) {
    enclosure.picture->layers.push_back(fmt::format("{}/layer{}", folder_, layer));
    wanted.push_back(enclosure.picture->layers.back());
  }
  for (const std::string& path : wanted) {
    if (::mkdir(path.c_str(), 0700) != 0) {
      return fail(Error::Kind::io,
                  fmt::format("cannot make the folder `{}`: {}", path, std::strerror(errno)));
    }
  }
  return enclosure;
}

Result<void> Trial::run(const std::string& script, const engine::Enclosure& enclosure,
                        const HandOver* told, const Step* before) const {
  auto program = find_program("sh", "/usr/bin:/bin", "/");
  if (!program) return std::unexpected(program.error());
  auto enclosing = Enclosing::prepare(enclosure);
  if (!enclosing) return std::unexpected(enclosing.error());
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::vector<std::string> arguments{"sh", "-c", script};
  const std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
  const std::vector<int> ignored_signals;
  const std::optional<rlimit> open_files;
  auto launched = launch({.program = *program,
                          .arguments = arguments,
                          .environment = environment,
                          .folder = enclosure.workspace,
                          .standard_input = nothing.get(),
                          .standard_output = nothing.get(),
                          .standard_error = nothing.get(),
                          .ignored_signals = ignored_signals,
                          .open_files = open_files,
                          .enclosing = &*enclosing,
                          .told = told,
                          .last = before});
  if (!launched) return std::unexpected(launched.error());
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), launched->pidfd.get(), &info, WEXITED) < 0 &&
         errno == EINTR) {
  }
  if (launched->untold != 0) return fail(Error::Kind::io, std::strerror(launched->untold));
  if (info.si_code == CLD_EXITED && info.si_status == 0) return {};
  return fail(Error::Kind::io, fmt::format("`{}` failed in it", script));
}

bool may_bind(const std::string& folder) {
  if (!standing().may_mount) return false;
  const auto trial = Trial::open(folder);
  if (!trial) return false;
  engine::Enclosure enclosure;
  enclosure.workspace = folder;
  enclosure.binds = {{trial->folder(), folder}};
  return trial->run("true", enclosure).has_value();
}

int tried_apart(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(act());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

}  // namespace interlock::process
