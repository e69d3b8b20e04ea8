#include "process/attending.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "process/port_claims.h"
#include "sys/descriptor.h"

namespace interlock::process {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using engine::Attendance;

/// What services and a work whose service ended may take to end by themselves.
constexpr auto kGrace = 5s;
/// Between two looks whether a service can be used.
constexpr auto kLook = 25ms;
constexpr std::size_t kShownBytes = 4096;
constexpr int kFailed = 1;

std::string say_end(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return name != nullptr ? fmt::format("ended by SIG{}", name)
                           : fmt::format("ended by signal {}", WTERMSIG(status));
  }
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

bool answers(std::uint16_t port) {
  const sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return true;
  if (errno != EINPROGRESS) return false;
  pollfd one{socket.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&one, 1, 1000) == 1 &&
         ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

struct Child {
  pid_t pid = -1;
  std::optional<int> status = {};  ///< As of waitpid; none: it runs.

  bool runs() const { return pid > 0 && !status; }
};

class Attending {
 public:
  explicit Attending(const Attendance& attendance) : attendance_(attendance) {
    sigemptyset(&signals_);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, signal);
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
  }

  int run() {
    if (!attendance_.setup.empty() && !do_setup()) return end_with(kFailed);
    for (const Attendance::Service& service : attendance_.services) {
      if (!start(service)) return end_with(kFailed);
    }
    return do_work();
  }

 private:
  /// `log`: where both streams go; none: standard error, and for the work our own two.
  Child launch(const std::vector<std::string>& arguments, const std::string& log, bool is_work) {
    std::vector<char*> raw;
    for (const std::string& one : arguments) raw.push_back(const_cast<char*>(one.c_str()));
    raw.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid != 0) return {pid};
    // With us it is to go, however we go.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    if (!is_work) {
      ::setpgid(0, 0);
      const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
      int to = STDERR_FILENO;
      if (!log.empty()) to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      ::dup2(to, STDOUT_FILENO);
      ::dup2(to, STDERR_FILENO);
    }
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    ::execvp(raw[0], raw.data());
    const std::string said =
        fmt::format("interlock: cannot execute `{}`: {}\n", arguments[0], ::strerror(errno));
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, said.data(), said.size());
    ::_exit(errno == ENOENT ? 127 : 126);
  }

  static void look(Child& child) {
    int status = 0;
    if (child.runs() && ::waitpid(child.pid, &status, WNOHANG) == child.pid) child.status = status;
  }

  /// Waits for a signal; notes when it asks us to end.
  void wait_a_moment(std::optional<Steady::duration> longest) {
    siginfo_t info{};
    int signal = 0;
    if (longest) {
      const auto left = std::max<Steady::duration>(*longest, 0ms);
      const auto whole = std::chrono::floor<std::chrono::seconds>(left);
      const timespec time{static_cast<time_t>(whole.count()),
                          static_cast<long>(std::chrono::nanoseconds(left - whole).count())};
      signal = ::sigtimedwait(&signals_, &info, &time);
    } else {
      signal = ::sigwaitinfo(&signals_, &info);
    }
    if (signal > 0 && signal != SIGCHLD) asked_to_end_ = signal;
  }

  /// The whole tree is told when an attempt is to end, so nobody has to be told again.
  bool is_over(Child& child, Steady::time_point until) {
    for (look(child); child.runs() && Steady::now() < until; look(child))
      wait_a_moment(until - Steady::now());
    return !child.runs();
  }

  bool do_setup() {
    Child setup = launch(attendance_.setup, {}, false);
    if (setup.pid < 0) return hinder(fmt::format("setup: {}", ::strerror(errno)));
    for (look(setup); setup.runs() && asked_to_end_ == 0; look(setup)) wait_a_moment({});
    if (asked_to_end_ != 0) return end_group(setup), false;
    if (*setup.status == 0) return true;
    return hinder(fmt::format("setup failed: {}", say_end(*setup.status)));
  }

  bool start(const Attendance::Service& service) {
    if (is_port_in_use(service.port)) {
      return hinder(fmt::format("service `{}`: port {} is in use by another program", service.name,
                                service.port));
    }
    const std::string log = log_of(service);
    Child& child = services_.emplace_back(launch(service.run, log, false));
    if (child.pid < 0)
      return hinder(fmt::format("service `{}`: {}", service.name, ::strerror(errno)));
    const auto until =
        Steady::now() + std::chrono::duration_cast<Steady::duration>(service.ready_within);
    for (;;) {
      if (asked_to_end_ != 0) return false;
      const bool is_ready = can_be_used(service, log, until);
      // Who answers on its port when it has ended is another.
      look(child);
      if (child.status) {
        return hinder(fmt::format("service `{}` ended before it was ready: {}", service.name,
                                  say_end(*child.status)),
                      log);
      }
      if (is_ready) return true;
      if (Steady::now() >= until) {
        return hinder(fmt::format("service `{}` was not ready within {}", service.name,
                                  show_duration(service.ready_within)),
                      log);
      }
      wait_a_moment(kLook);
    }
  }

  bool can_be_used(const Attendance::Service& service, const std::string& log,
                   Steady::time_point until) {
    if (service.ready.empty()) return answers(service.port);
    Child asked = launch(service.ready, log, false);
    if (asked.pid < 0) return false;
    while (asked_to_end_ == 0 && !is_over(asked, std::min(until, Steady::now() + kLook)) &&
           Steady::now() < until) {
    }
    if (asked.runs()) {
      ::kill(-asked.pid, SIGKILL);
      ::waitpid(asked.pid, nullptr, 0);
      return false;
    }
    return *asked.status == 0;
  }

  int do_work() {
    if (asked_to_end_ != 0) return end_with(128 + asked_to_end_);
    Child work = launch(attendance_.work, {}, true);
    if (work.pid < 0) {
      hinder(fmt::format("the work could not be started: {}", ::strerror(errno)));
      return end_with(kFailed);
    }
    for (;;) {
      look(work);
      if (work.status) return end_with(*work.status, true);
      const std::size_t gone = first_gone();
      if (gone < services_.size() && asked_to_end_ == 0) {
        const Attendance::Service& service = attendance_.services[gone];
        hinder(fmt::format("service `{}` ended while the work went on: {}", service.name,
                           say_end(*services_[gone].status)),
               log_of(service));
        ::kill(work.pid, SIGTERM);
        if (!is_over(work, Steady::now() + kGrace)) ::kill(work.pid, SIGKILL);
        return end_with(kFailed);
      }
      wait_a_moment({});
    }
  }

  std::size_t first_gone() {
    for (Child& service : services_) look(service);
    return static_cast<std::size_t>(
        std::ranges::find_if(services_, [](const Child& one) { return one.status.has_value(); }) -
        services_.begin());
  }

  /// Ends the services, the last one first, and gives our own exit status.
  int end_with(int status, bool of_waitpid = false) {
    for (auto at = services_.rbegin(); at != services_.rend(); ++at) end_group(*at);
    if (!of_waitpid) return asked_to_end_ != 0 ? 128 + asked_to_end_ : status;
    if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
    // As the work ended, without a core of ours.
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(WTERMSIG(status), SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    ::raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
  }

  void end_group(Child& child) {
    look(child);
    if (child.pid <= 0) return;
    if (child.runs()) {
      if (asked_to_end_ == 0) ::kill(-child.pid, SIGTERM);
      is_over(child, Steady::now() + kGrace);
    }
    // What is left of its group: the group is still known by its number.
    ::kill(-child.pid, SIGKILL);
    if (child.runs()) ::waitpid(child.pid, nullptr, 0);
  }

  std::string log_of(const Attendance::Service& service) const {
    return fmt::format("{}/service-{}.log", attendance_.folder, service.name);
  }

  /// For the dispatcher, and with the end of a service's log for who reads the attempt's.
  bool hinder(const std::string& why, const std::string& log = {}) const {
    std::ofstream(fmt::format("{}/{}", attendance_.folder, engine::kRemarkFile),
                  std::ios::binary | std::ios::trunc)
        << why;
    std::string said = fmt::format("interlock: {}\n", why);
    if (!log.empty()) {
      std::ifstream in(log, std::ios::binary);
      std::string text((std::istreambuf_iterator<char>(in)), {});
      if (text.size() > kShownBytes) text.erase(0, text.size() - kShownBytes);
      if (!text.empty()) said += "the end of what it said:\n" + text;
      if (!said.ends_with('\n')) said += '\n';
    }
    for (std::size_t at = 0; at < said.size();) {
      const ssize_t count = ::write(STDERR_FILENO, said.data() + at, said.size() - at);
      if (count <= 0) break;
      at += static_cast<std::size_t>(count);
    }
    return false;
  }

  const Attendance& attendance_;
  std::vector<Child> services_;
  sigset_t signals_{}, before_{};
  int asked_to_end_ = 0;
};

}  // namespace

int attend(const Attendance& attendance) { return Attending(attendance).run(); }

}  // namespace interlock::process
