#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/attempt.h"
#include "process/local_processes.h"

// The streams of attempts: what goes in, what comes out, and when both have ended.
namespace interlock::process {

using engine::AttemptName;

namespace {

constexpr int kDrainReadsMax = 16;
constexpr std::size_t kReadSize = 1u << 16;

/// Writes until all is written or the pipe is full; true in the second case. A process that does
/// not want it all is no error.
bool write_what_fits(int pipe, const std::string& text, std::size_t& written) {
  while (written < text.size()) {
    const ssize_t now = ::write(pipe, text.data() + written, text.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return errno == EAGAIN;
    written += static_cast<std::size_t>(now);
  }
  return false;
}

}  // namespace

/// Goes on when there is room.
void LocalProcesses::write_some(Attempt& attempt) {
  if (write_what_fits(attempt.input_fd.get(), attempt.input, attempt.input_written)) {
    if (attempt.on_input) return;
    attempt.on_input =
        loop_.watch(attempt.input_fd.get(), Loop::Ready::to_write, [&] { write_some(attempt); });
    return;
  }
  attempt.on_input.reset();
  attempt.input_fd.reset();
  attempt.input = {};
}

/// Reads once, so that many chatty processes take turns. False when there is nothing more for now.
bool LocalProcesses::read_some(Attempt& attempt, Inflow& inflow) {
  static thread_local std::array<char, kReadSize> buffer;
  if (!inflow.fd) return false;
  const ssize_t got = ::read(inflow.fd.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (got <= 0) {
    flush(attempt, inflow);
    inflow.close();
    return false;
  }
  const std::string_view chunk(buffer.data(), static_cast<std::size_t>(got));
  attempt.heard = clock_.now();
  if (attempt.redaction.empty()) {
    take_chunk(attempt, inflow, chunk);
  } else {
    take_chunk(attempt, inflow, inflow.redacted.take(attempt.redaction, chunk));
  }
  return true;
}

/// What was held back because it might have become a secret.
void LocalProcesses::flush(Attempt& attempt, Inflow& inflow) {
  if (inflow.redacted.holds()) take_chunk(attempt, inflow, inflow.redacted.end());
}

/// The one way in: nothing of a stream is kept, told or shown that does not come by here.
void LocalProcesses::take_chunk(Attempt& attempt, Inflow& inflow, std::string_view chunk) {
  if (chunk.empty()) return;
  attempt.log.add(attempt.heard, inflow.stream, chunk);
  inflow.note_line(chunk, attempt.last_line);
  if (inflow.stream == Stream::output && attempt.report_lines) report_lines(attempt, chunk);
  if (inflow.stream == Stream::output && attempt.keep_output) {
    const std::size_t room = attempt.output_bytes_max - attempt.output.size();
    attempt.output.append(chunk.substr(0, room));
    if (chunk.size() > room) attempt.exited.output_cut = true;
  }
}

/// Lines come out whole; a last one without an end is told at the conclusion. What is beyond
/// `output_bytes_max` of one line is dropped, and told by `output_cut`.
void LocalProcesses::report_lines(Attempt& attempt, std::string_view chunk) {
  while (!chunk.empty()) {
    const auto newline = chunk.find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::string_view piece = chunk.substr(0, newline);
    chunk.remove_prefix(ends ? newline + 1 : chunk.size());
    if (!attempt.skipping) {
      const std::size_t room = attempt.output_bytes_max - attempt.unnotified.size();
      attempt.unnotified.append(piece.substr(0, room));
      if (piece.size() > room) {
        attempt.exited.output_cut = true;
        attempt.skipping = true;
      }
    }
    if (!ends) continue;
    tell(attempt.exited.name, std::exchange(attempt.unnotified, {}));
    attempt.skipping = false;
  }
}

void LocalProcesses::tell(const AttemptName& name, std::string line) {
  // What came at once is one report.
  auto* const last = reports_.empty() ? nullptr : std::get_if<engine::Printed>(&reports_.back());
  if (last != nullptr && last->name == name) return last->lines.push_back(std::move(line));
  engine::Printed printed{name, {}};
  printed.lines.push_back(std::move(line));
  reports_.emplace_back(std::move(printed));
}

/// All writers we know of are gone, so the end of both streams is near: one pipe's content at most.
/// And all callers, so the observer is about to see that they hung up.
void LocalProcesses::drain(Attempt& attempt) {
  for (Inflow* inflow : {&attempt.out, &attempt.err}) {
    for (int reads = 0; reads < kDrainReadsMax && read_some(attempt, *inflow); ++reads) {
    }
  }
  const bool all_notified = !observer_ || observer_->is_over(attempt.exited.name);
  if (!all_notified)
    reap_orphans();  // Before Linux 6.11 what is dead hangs up when it is waited for.
  if (!attempt.out.fd && !attempt.err.fd && all_notified) {
    conclude(attempt);
  } else if (!attempt.patience) {
    attempt.patience =
        loop_.after(options_.streams_patience, [this, &attempt] { conclude(attempt); });
  }
}

/// The observer has seen the end of some, or cannot follow some any more: those are ended.
void LocalProcesses::on_endings() {
  std::uint64_t count = 0;
  if (::read(observer_->endings(), &count, sizeof count) < 0) return;
  std::vector<AttemptName> draining, broken;
  for (const auto& [name, attempt] : attempts_) {
    if (attempt->state == Attempt::State::draining) draining.push_back(name);
    if (observer_->is_broken(name)) broken.push_back(name);
  }
  for (const AttemptName& name : broken) stop(name, Duration::zero());
  for (const AttemptName& name : draining) {
    if (const auto found = attempts_.find(name); found != attempts_.end()) drain(*found->second);
  }
}

void LocalProcesses::conclude(Attempt& attempt) {
  attempt.state = Attempt::State::over;
  flush(attempt, attempt.out);
  flush(attempt, attempt.err);
  attempt.out.close();
  attempt.err.close();
  attempt.patience.reset();
  attempt.tree.reset();
  if (!attempt.unnotified.empty()) tell(attempt.exited.name, std::exchange(attempt.unnotified, {}));
  if (attempt.keep_output) outputs_[attempt.exited.name] = std::move(attempt.output);
  reports_.push_back(attempt.exited);
  over_.push_back(std::move(attempts_.extract(attempt.exited.name).mapped()));
}

}  // namespace interlock::process
