#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/adapter.h"
#include "base/json.h"

// The clients, one a file. What each is told, and how it is known, is in docs/agents.md.
namespace interlock::agents {

const Adapter& claude_code();
const Adapter& codex();
const Adapter& gemini();
const Adapter& opencode();
const Adapter& pi();
const Adapter& qwen();
const Adapter& chat();
const Adapter& command();

std::unique_ptr<Reader> read_claude_code();

/// Claude Code's and Qwen Code's messages: the blocks of an `assistant` line as texts and tools,
/// and files out of a `user` line.
std::vector<Event> events_of_message(const json::value& reported);
/// The tools a `result` line says were denied, but for the first `already`.
std::vector<Event> denials_in(const json::value& reported, std::size_t already);

}  // namespace interlock::agents
