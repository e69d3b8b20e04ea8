#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "process/attempt.h"
#include "process/descriptor_reserve.h"
#include "process/launch.h"
#include "process/local_processes.h"
#include "process/observer_probe.h"
#include "process/program.h"
#include "process/rlimit_tag.h"

// How an attempt is started.
namespace interlock::process {
namespace {

constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

struct Pipe {
  sys::Descriptor reader;
  sys::Descriptor writer;
};

/// Neither end is inherited; the one that stays here never blocks.
Result<Pipe> make_pipe(bool we_read) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    const char* hint =
        errno == EMFILE
            ? "raise the hard limit of open files (`ulimit -Hn`), or lower `limits.parallel`"
            : "";
    return fail(Error::Kind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)), hint);
  }
  Pipe pipe{sys::Descriptor(ends[0]), sys::Descriptor(ends[1])};
  ::fcntl((we_read ? pipe.reader : pipe.writer).get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

/// The streams of a process, ours and its own ends.
struct Plumbing {
  Pipe in;  ///< Neither end, where it is given no input.
  Pipe out;
  Pipe err;
};

Result<Plumbing> lay_pipes(bool with_input) {
  Plumbing pipes;
  for (auto [pipe, we_read] :
       {std::pair{&pipes.out, true}, std::pair{&pipes.err, true}, std::pair{&pipes.in, false}}) {
    if (pipe == &pipes.in && !with_input) continue;
    auto made = make_pipe(we_read);
    if (!made) return std::unexpected(made.error());
    *pipe = std::move(*made);
  }
  return pipes;
}

std::vector<std::string> environment_for(const engine::SpawnSpec& spec) {
  std::vector<std::string> entries;
  entries.reserve(spec.environment.size() + 1);
  entries.push_back(fmt::format("{}={}", kMarker, spec.label));
  for (const auto& [name, value] : spec.environment) {
    if (name != kMarker) entries.push_back(fmt::format("{}={}", name, value));
  }
  return entries;
}

}  // namespace

Result<void> LocalProcesses::start(Attempt& attempt, const engine::SpawnSpec& spec) {
  // Who runs alone takes what there is: nobody else gives any back.
  if (auto left = descriptors_are_left(); !left && !attempts_.empty()) return left;
  auto pipes = lay_pipes(!spec.standard_input.empty());
  if (!pipes) return std::unexpected(pipes.error());
  auto tree = keeper_->plant(spec.label);
  if (!tree) return std::unexpected(tree.error());
  attempt.tree = std::move(*tree);
  const int streams[3] = {(pipes->in.reader ? pipes->in.reader : nothing_).get(),
                          pipes->out.writer.get(), pipes->err.writer.get()};
  auto launched = launch_root(attempt, spec, streams);
  if (!launched) return std::unexpected(launched.error());
  attempt.root = {.pid = launched->pid, .start_ticks = launched->start_ticks};
  attempt.tree->root_born(attempt.root);
  attempt.last_output = clock_.now();
  attempt.pidfd = std::move(launched->pidfd);
  attempt.on_exit = loop_.watching(attempt.pidfd.get(), EPOLLIN, [&] { on_root_exit(attempt); });
  for (auto [inflow, pipe] :
       {std::pair{&attempt.out, &pipes->out}, std::pair{&attempt.err, &pipes->err}}) {
    inflow->fd = std::move(pipe->reader);
    inflow->watch = loop_.watching(inflow->fd.get(), EPOLLIN, [this, &attempt, inflow] {
      if (attempt.state == Attempt::State::draining) {
        drain(attempt);
      } else {
        read_some(attempt, *inflow);
      }
    });
  }
  if (pipes->in.writer) {
    attempt.input_fd = std::move(pipes->in.writer);
    write_some(attempt);
  }
  return {};
}

Result<Launched> LocalProcesses::launch_root(const Attempt& attempt, const engine::SpawnSpec& spec,
                                             const int (&streams)[3]) {
  const auto path = spec.environment.find("PATH");
  const bool in_snapshot = spec.sandbox && spec.sandbox->snapshot;
  auto program =
      find_program(spec.arguments[0], path == spec.environment.end() ? kDefaultPath : path->second,
                   spec.folder, in_snapshot ? &*spec.sandbox->snapshot : nullptr);
  if (!program) return std::unexpected(program.error());
  std::optional<SandboxSteps> steps_in;
  if (spec.sandbox) {
    auto prepared = SandboxSteps::prepare(*spec.sandbox);
    if (!prepared) return within(prepared.error(), fmt::format("cannot start `{}`", *program));
    steps_in = std::move(*prepared);
  }
  auto notified = watch_for(spec);
  if (!notified) return std::unexpected(notified.error());
  const auto environment = environment_for(spec);
  auto launched = launch({.program = std::move(*program),
                          .arguments = spec.arguments,
                          .environment = environment,
                          .folder = spec.folder,
                          .standard_input = streams[0],
                          .standard_output = streams[1],
                          .standard_error = streams[2],
                          .cgroup = attempt.tree->birthplace(),
                          .tag = rlimit_tag_for(spec.label),
                          .ignored_signals = ignored_signals_,
                          .open_files = open_files_before_,
                          .steps_in = steps_in ? &*steps_in : nullptr,
                          .notified = *notified ? &(*notified)->hand_over() : nullptr});
  if (launched && steps_in && on_listener_) {
    if (sys::Descriptor listener = steps_in->take_listener())
      on_listener_(spec.name, std::move(listener));
  }
  if (!*notified) return launched;
  if (!launched) {
    observer_->forget(spec.name);
  } else if (launched->unnotified != 0) {
    observer_->give_up(spec.name, launched->unnotified);
  }
  return launched;
}

/// The child's end of the line to the observer, which is started with the first; nothing where
/// nobody is to be told.
Result<std::unique_ptr<ChildEnd>> LocalProcesses::watch_for(const engine::SpawnSpec& spec) {
  if (observer_) observer_->forget(spec.name);
  const bool watched = spec.sandbox && (spec.sandbox->held_to ||
                                        spec.sandbox->watch != engine::Sandbox::Watch::nothing);
  if (!watched) return nullptr;
  if (!observer_) {
    auto started = Observer::start(options_.before_answer);
    if (!started) return std::unexpected(started.error());
    observer_ = std::move(*started);
    on_endings_ = loop_.watching(observer_->endings(), EPOLLIN, [this] { on_endings(); });
  }
  auto childs = observer_->expect(spec.name, *spec.sandbox);
  if (!childs || spec.sandbox->watch != engine::Sandbox::Watch::all || observer_is_tried_)
    return childs;
  // Before "observed" is said for the first time, it is tried out, in the same place.
  std::error_code ignored;
  std::filesystem::create_directories(spec.log_folder, ignored);
  const auto tried = try_observer(*observer_, spec.log_folder, spec.sandbox->snapshot.has_value());
  observer_is_tried_ = tried.has_value();
  if (!tried) {
    observer_->doubt(spec.name, "the observer was tried out here first: " + tried.error().message);
  }
  return childs;
}

}  // namespace interlock::process
