#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "process/local_processes.h"
#include "process/log_file.h"
#include "process/tree.h"
#include "sys/loop.h"

// What LocalProcesses knows of one attempt. For local_processes.cc alone.
namespace interlock::process {

/// One of a process's streams, on its way here.
struct LocalProcesses::Inflow {
  static constexpr std::size_t kLineMax = 512;

  Stream stream;
  sys::Descriptor fd;
  RedactedStream redacted;
  std::string line;  ///< The one it is in the middle of.
  sys::Loop::Watch watch;

  void close() {
    watch.reset();
    fd.reset();
  }

  /// Puts the last line that is not empty into `last`, which is kept short.
  void note_line(std::string_view chunk, std::string& last) {
    const std::string_view body = chunk.substr(0, chunk.find_last_not_of('\n') + 1);
    const auto before = body.rfind('\n');
    std::string latest = before == std::string_view::npos ? line : "";
    latest += body.substr(before == std::string_view::npos ? 0 : before + 1).substr(0, kLineMax);
    const auto newline = chunk.rfind('\n');
    line = newline == std::string_view::npos ? latest
                                             : std::string(chunk.substr(newline + 1, kLineMax));
    line.resize(std::min(line.size(), kLineMax));
    if (!latest.empty()) last = std::move(latest);
  }
};

/// From its birth to its Exited:
///
///     running -> clearing  (the root is gone, others of its tree may be left)
///             -> draining  (the tree is empty, the streams may hold something)
///             -> over
struct LocalProcesses::Attempt {
  enum class State : unsigned char { running, clearing, draining, over };

  Attempt(const engine::SpawnSpec& spec, std::size_t log_bytes_max, const Redaction& others)
      : redaction(others),
        keep_output(spec.keep_output),
        report_lines(spec.report_lines),
        output_bytes_max(spec.output_bytes_max),
        log(spec.log_folder, spec.name, spec.label, log_bytes_max),
        input(spec.standard_input) {
    exited.name = spec.name;
    remark_file = spec.remark_file;
    for (const auto& [name, secret] : spec.secrets) redaction.add(name, secret);
  }

  State state = State::running;
  engine::Exited exited;
  std::string remark_file;
  Redaction redaction;
  bool keep_output;
  bool report_lines;
  std::string unnotified;  ///< Of a line whose end has not come.
  bool skipping = false;   ///< The rest of a line that was told cut.
  std::size_t output_bytes_max;
  std::unique_ptr<Tree> tree;
  sys::ProcessStat root;
  LogWriter log;
  std::string output;
  std::string input;
  std::size_t input_written = 0;
  Time last_output{};
  std::string last_line;
  bool asked_to_stop = false;
  bool killed = false;
  Time killed_since{};
  std::optional<Time> kill_at;  ///< When patience with it ends.
  Duration next_look =
      std::chrono::milliseconds(1);  ///< Until an unobservable tree is looked at again.

  // Watches last, so that they end before what they watch.
  sys::Descriptor pidfd;
  sys::Descriptor input_fd;
  Inflow out{Stream::output, {}, {}, {}, {}};
  Inflow err{Stream::error, {}, {}, {}, {}};
  sys::Loop::Watch on_exit;
  sys::Loop::Watch on_input;
  sys::Loop::Watch on_emptied;
  sys::Loop::Timer patience;
};

}  // namespace interlock::process
