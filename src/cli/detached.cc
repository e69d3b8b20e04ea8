#include "cli/detached.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "base/text.h"

namespace interlock::cli {
namespace {

using sys::Descriptor;

std::unexpected<Error> cannot(const std::string& what) {
  return fail(Error::Kind::io, fmt::format("cannot {}: {}", what, std::strerror(errno)));
}

/// Until nobody can write into it any more.
std::string all_of(const sys::Descriptor& pipe) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(pipe.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

Result<Exit> work_apart(const Context& context, sys::Descriptor to_parent, pid_t parent,
                        const std::function<Result<Exit>(const Context&)>& work) {
  // Whoever ends the command before the run has begun wants none.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) return Exit::interrupted;
  ::setsid();
  Detachment detachment(context.state_folder, std::move(to_parent));
  Context own = context;
  own.detachment = &detachment;
  return work(own);
}

}  // namespace

Result<void> Detachment::begin(const runs::ChosenRun& run) {
  const std::string log = runs::run_folder(state_folder_, run.id()) + "/dispatcher.log";
  const sys::Descriptor file(
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  const sys::Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!file || !nothing) return cannot(fmt::format("write `{}`", printable(log)));
  if (::dup2(nothing.get(), STDIN_FILENO) < 0 || ::dup2(nothing.get(), STDOUT_FILENO) < 0 ||
      ::dup2(file.get(), STDERR_FILENO) < 0)
    return cannot("leave the terminal");
  ::prctl(PR_SET_PDEATHSIG, 0);
  if (::getsid(0) != ::getpid())
    ::setsid();  // Neither Ctrl-C nor the terminal's end is for it now.
  has_begun_ = true;
  const std::string reported = canonical_json(json::object{
      {"version", 1}, {"run", run.id()}, {"workspace", run.head.workspace}, {"log", log}});
  // Who does not listen any more finds the run by its name.
  std::string_view rest = reported;
  while (!rest.empty()) {
    const ssize_t written = ::write(to_parent_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  to_parent_.reset();
  return {};
}

Exit report_departure(const Context& context, const std::string& reported) {
  const auto begun = parse_json(reported);
  if (!begun || !begun->is_object()) return Exit::broken;
  if (context.json) {
    context.console.result(pretty_json(*begun));
    return Exit::done;
  }
  const std::string run(begun->get_object().at("run").as_string());
  context.console.result(run + "\n");
  context.console.remark(
      fmt::format("it goes on by itself: `interlock show -f {0}` and `interlock log -f {0}`", run));
  return Exit::done;
}

Result<Exit> run_detached(const Context& context,
                          const std::function<Result<Exit>(const Context&)>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot("make a pipe");
  sys::Descriptor from_child(ends[0]), to_parent(ends[1]);
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return cannot("start a process");
  if (child == 0) {
    from_child.reset();
    const auto exit = work_apart(context, std::move(to_parent), self, work);
    const Exit code = exit ? *exit : context.console.complain(exit.error());
    ::_exit(static_cast<int>(context.console.close(code)));
  }
  to_parent.reset();
  const std::string reported = all_of(from_child);
  if (!reported.empty()) return report_departure(context, reported);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return static_cast<Exit>(WEXITSTATUS(status));
  return fail(Error::Kind::internal, "the dispatcher ended before its run began",
              "run it without `--detach` to see why");
}

}  // namespace interlock::cli
