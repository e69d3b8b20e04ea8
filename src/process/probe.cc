#include "process/probe.h"

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

#include "process/launch.h"
#include "process/program.h"
#include "process/sandbox.h"

namespace interlock::process {

Result<Probe> Probe::open(const std::string& folder) {
  std::string name = folder + "/interlock-probe-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(Error::Kind::io,
                fmt::format("cannot make a folder in `{}`: {}", folder, std::strerror(errno)));
  }
  return Probe(std::move(name));
}

void remove_with_overlay_work(const std::string& folder, const std::string& work) {
  // An overlay leaves these without any rights, and its user may not enter them.
  for (const char* made : {"/work", "/work/incompat", "/work/incompat/volatile"}) {
    ::chmod((work + made).c_str(), 0700);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

Probe::~Probe() {
  if (!folder_.empty()) remove_with_overlay_work(folder_, folder_ + "/work");
}

Result<engine::Sandbox> Probe::snapshot(int layers) const {
  engine::Sandbox sandbox;
  sandbox.workspace = folder_ + "/ws";
  sandbox.snapshot = {.at = sandbox.workspace, .upper = folder_ + "/up", .work = folder_ + "/work"};
  auto wanted = std::vector{sandbox.workspace, sandbox.snapshot->upper, sandbox.snapshot->work};
  for (int layer = 0; layer < layers; ++layer) {
    sandbox.snapshot->layers.push_back(fmt::format("{}/layer{}", folder_, layer));
    wanted.push_back(sandbox.snapshot->layers.back());
  }
  for (const std::string& path : wanted) {
    if (::mkdir(path.c_str(), 0700) != 0) {
      return fail(Error::Kind::io,
                  fmt::format("cannot make the folder `{}`: {}", path, std::strerror(errno)));
    }
  }
  return sandbox;
}

Result<void> Probe::run(const std::string& script, const engine::Sandbox& sandbox,
                        const HandOver* notified, const ChildStep* before) const {
  auto program = find_program("sh", "/usr/bin:/bin", "/");
  if (!program) return std::unexpected(program.error());
  auto steps_in = SandboxSteps::prepare(sandbox);
  if (!steps_in) return std::unexpected(steps_in.error());
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::vector<std::string> arguments{"sh", "-c", script};
  const std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
  const std::vector<int> ignored_signals;
  const std::optional<rlimit> open_files;
  auto launched = launch({.program = *program,
                          .arguments = arguments,
                          .environment = environment,
                          .folder = sandbox.workspace,
                          .standard_input = nothing.get(),
                          .standard_output = nothing.get(),
                          .standard_error = nothing.get(),
                          .ignored_signals = ignored_signals,
                          .open_files = open_files,
                          .steps_in = &*steps_in,
                          .notified = notified,
                          .last = before});
  if (!launched) return std::unexpected(launched.error());
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), launched->pidfd.get(), &info, WEXITED) < 0 &&
         errno == EINTR) {
  }
  if (launched->unnotified != 0) return fail(Error::Kind::io, std::strerror(launched->unnotified));
  if (info.si_code == CLD_EXITED && info.si_status == 0) return {};
  return fail(Error::Kind::io, fmt::format("`{}` failed in it", script));
}

bool may_bind(const std::string& folder) {
  if (!mount_right().may_mount) return false;
  const auto probe = Probe::open(folder);
  if (!probe) return false;
  engine::Sandbox sandbox;
  sandbox.workspace = folder;
  sandbox.binds = {{probe->folder(), folder}};
  return probe->run("true", sandbox).has_value();
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
