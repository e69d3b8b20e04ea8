#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include "agents/adapter.h"

// For tests: what lines come to, and how a client is called, as text to be compared whole.
namespace interlock::agents {

/// What came of a stream, with the transcript it told.
struct Read {
  std::string events;  ///< One a line.
  Transcript transcript;
};

inline Read read_lines(const Adapter& adapter, std::initializer_list<std::string_view> lines,
                       const plan::Agent& agent = {}) {
  Read read;
  const auto reader = adapter.reader(agent);
  const auto take = [&](const std::vector<Event>& events) {
    for (const Event& event : events) {
      read.events += show(event) + "\n";
      read.transcript.take(event);
    }
  };
  for (const std::string_view line : lines) take(reader->line(line));
  take(reader->end());
  return read;
}

inline std::string show_ending(const Ending& ending) {
  if (!ending.failure) return "success";
  return fmt::format("{}: {}", name_of(*ending.failure), ending.detail);
}

/// As it ends with exit status `code`.
inline std::string ending_of(const Adapter& adapter, const Read& read, int code = 0) {
  return show_ending(adapter.ending(read.transcript, code, {}));
}

inline std::string show_call(const Result<Invocation>& call) {
  if (!call) return "error: " + call.error().message + "\n";
  std::string shown;
  for (const std::string& argument : call->arguments) shown += argument + "\n";
  for (const auto& [name, value] : call->environment) shown += fmt::format("{}={}\n", name, value);
  shown += fmt::format("< {}\n", call->standard_input);
  for (const StateFile& file : call->files)
    shown += fmt::format("{}:\n{}", file.path, file.content);
  return shown;
}

/// A task of an agent behind the gateway.
inline Wanted wanted_of(const plan::Agent& agent) {
  Wanted wanted;
  wanted.agent = &agent;
  wanted.prompt = "Do it";
  wanted.workspace = "/work";
  wanted.state_folder = "/state";
  wanted.temporary = "/tmp/t";
  wanted.base_url = "http://127.0.0.1:8080/s3cret";
  wanted.secret = "s3cret";
  wanted.own_program = "/usr/bin/interlock";
  return wanted;
}

}  // namespace interlock::agents
