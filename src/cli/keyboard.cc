#include "cli/keyboard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <optional>

#include "cli/detached.h"
#include "panel/keys.h"
#include "panel/tab_progress.h"

namespace interlock::cli {
namespace {

using sys::Descriptor;

volatile std::sig_atomic_t was_continued = 0;

bool is_in_foreground() { return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

/// How the terminal was, and the way back to it.
class Modes {
 public:
  /// Nothing where they cannot be had.
  static std::optional<Modes> now() {
    Modes modes;
    if (::tcgetattr(STDIN_FILENO, &modes.usual_) != 0) return {};
    return modes;
  }
  /// Ctrl-C and Ctrl-Z stay signals. Nothing in the background: the terminal is another's.
  void take_keys() const {
    termios wanted = usual_;
    wanted.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    wanted.c_cc[VMIN] = 1;
    wanted.c_cc[VTIME] = 0;
    set(wanted);
  }
  void give_back() const { set(usual_); }

 private:
  /// One who has just lost the foreground would be stopped for it.
  static void set(const termios& wanted) {
    if (!is_in_foreground()) return;
    sigset_t stop{}, before{};
    ::sigaddset(&stop, SIGTTOU);
    ::sigprocmask(SIG_BLOCK, &stop, &before);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &wanted);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
  }

  termios usual_{};
};

/// In the child: what its parent would have done, where it was killed.
void give_back_for(pid_t parent, const Modes& modes) {
  if (::getppid() != parent) modes.give_back();
}

/// The parent, until the child is over or has left.
class Keeper {
 public:
  /// `ending`: whether the child knows that it is to end.
  Keeper(const Context& context, const Modes& modes, pid_t child, const std::atomic<bool>& ending,
         Descriptor from_child, Descriptor signals)
      : context_(context),
        modes_(modes),
        child_(child),
        ending_(ending),
        from_child_(std::move(from_child)),
        signals_(std::move(signals)) {}

  Result<Exit> wait() {
    for (;;) {
      std::array<pollfd, 2> both{{{from_child_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
      if (!from_child_) both[0].fd = -1;
      if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR)
        return fail(Error::Kind::io,
                    fmt::format("cannot wait for the dispatcher: {}", std::strerror(errno)));
      if (both[0].revents != 0) {
        if (read_report()) continue;
        from_child_.reset();
        if (!reported_.empty()) return report_departure(context_, reported_);
      }
      if (both[1].revents != 0) {
        if (const auto exit = take_signal()) return *exit;
      }
    }
  }

 private:
  bool read_report() {
    std::array<char, 4096> piece{};
    const ssize_t got = ::read(from_child_.get(), piece.data(), piece.size());
    if (got > 0) reported_.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
  }

  std::optional<Exit> take_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return {};
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGCHLD: return exit_of_child();
      case SIGTSTP:
        modes_.give_back();
        ::raise(SIGSTOP);
        modes_.take_keys();
        return {};
      case SIGCONT: modes_.take_keys(); return {};
      default: pass_on(info); return {};
    }
  }

  /// What the terminal sends it sends to the child as well, but for its own end, which the leader
  /// of a session alone is told. What others send may have gone to us alone, or to the whole group:
  /// a second signal is one too many, so it is passed on where the child did not hear it.
  void pass_on(const signalfd_siginfo& info) const {
    constexpr int kLooks = 8, kLookMs = 50;
    const bool is_from_kernel = info.ssi_code > 0;
    const bool is_ours_alone =
        is_from_kernel && info.ssi_signo == SIGHUP && ::getsid(0) == ::getpid();
    if (is_from_kernel && !is_ours_alone) return;
    for (int look = 0; look < kLooks && !ending_.load(); ++look) ::poll(nullptr, 0, kLookMs);
    if (!ending_.load()) ::kill(child_, static_cast<int>(info.ssi_signo));
  }

  std::optional<Exit> exit_of_child() const {
    constexpr int kKilled = 128;
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) != child_) return {};
    if (WIFEXITED(status)) return static_cast<Exit>(WEXITSTATUS(status));
    if (context_.console.err().shows_progress) {
      constexpr std::string_view kOff = panel::TabProgress::kOff;
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kOff.data(), kOff.size());
    }
    return static_cast<Exit>(kKilled + WTERMSIG(status));
  }

  const Context& context_;
  const Modes& modes_;
  pid_t child_;
  const std::atomic<bool>& ending_;
  Descriptor from_child_, signals_;
  std::string reported_;
};

/// A pid of our own process group gets the terminal's signals itself.
Exit work_in_child(const Context& context, Descriptor to_parent, std::atomic<bool>* ending,
                   pid_t parent, const Modes& modes, const sigset_t& usual,
                   const std::function<Result<Exit>(const Context&)>& work) {
  ::sigprocmask(SIG_SETMASK, &usual, nullptr);
  struct sigaction noting{};
  noting.sa_handler = [](int) { was_continued = 1; };
  noting.sa_flags = SA_RESTART;
  ::sigaction(SIGCONT, &noting, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    modes.give_back();
    return Exit::interrupted;
  }
  Detachment way_out(context.state_folder, std::move(to_parent));
  way_out.set_ending(ending);
  Context own = context;
  own.keys = true;
  own.on_leave = &way_out;
  const auto exit = work(own);
  const Exit code = exit ? *exit : context.console.complain(exit.error());
  if (!way_out.has_begun()) give_back_for(parent, modes);
  return context.console.close(code);
}

}  // namespace

bool Keyboard::is_there(const Console& console) {
  return console.err().moves_cursor && !console.quiet() && ::isatty(STDIN_FILENO) == 1 &&
         is_in_foreground();
}

bool Keyboard::was_stopped() {
  const bool was = was_continued != 0;
  was_continued = 0;
  return was;
}

std::string Keyboard::pressed() {
  std::string keys;
  pollfd entry{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, 0) != 1 || (entry.revents & POLLIN) == 0 || !is_in_foreground())
    return keys;
  std::array<char, 256> bytes{};
  const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  for (ssize_t at = 0; at < got; ++at) {
    const char key = bytes[static_cast<std::size_t>(at)];
    const bool is_sequence = key == panel::Keys::kEscape && at + 1 < got;
    if (!is_sequence) {
      keys += key;
      continue;
    }
    // ECMA-48: parameters, then one final byte. `ESC O` has one byte behind it.
    const char kind = bytes[static_cast<std::size_t>(++at)];
    if (kind == 'O') ++at;
    if (kind != '[') continue;
    while (++at < got && (bytes[static_cast<std::size_t>(at)] < 0x40)) {
    }
  }
  return keys;
}

Result<Exit> with_keys(const Context& context,
                       const std::function<Result<Exit>(const Context&)>& work) {
  const auto modes = Modes::now();
  std::array<int, 2> ends{};
  // One flag for both processes.
  void* const shared = ::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED || !modes || ::pipe2(ends.data(), O_CLOEXEC) != 0) return work(context);
  auto* const ending = new (shared) std::atomic<bool>(false);
  Descriptor from_child(ends[0]), to_parent(ends[1]);
  sigset_t awaited{}, usual{};
  for (const int signal :
       {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGUSR1, SIGTTOU})
    ::sigaddset(&awaited, signal);
  ::sigprocmask(SIG_BLOCK, &awaited, &usual);
  Descriptor signals(::signalfd(-1, &awaited, SFD_CLOEXEC));
  const pid_t self = ::getpid();
  const pid_t child = signals ? ::fork() : -1;
  if (child < 0) {
    ::sigprocmask(SIG_SETMASK, &usual, nullptr);
    return work(context);
  }
  if (child == 0) {
    from_child.reset();
    signals.reset();
    ::_exit(static_cast<int>(
        work_in_child(context, std::move(to_parent), ending, self, *modes, usual, work)));
  }
  to_parent.reset();
  modes->take_keys();
  auto exit =
      Keeper(context, *modes, child, *ending, std::move(from_child), std::move(signals)).wait();
  modes->give_back();
  ::sigprocmask(SIG_SETMASK, &usual, nullptr);
  return exit;
}

}  // namespace interlock::cli
