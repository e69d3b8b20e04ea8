#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

// The board as an attempt reaches it: by the address that its environment holds.
namespace interlock::cli {

/// Empty: this is no attempt, or one that uses no board.
std::string board_address();

Result<void> post_to_board(const std::string& address, const std::string& topic,
                           const std::string& text);
/// The answer as engine::Board gives it.
Result<json::object> read_board(const std::string& address, const std::string& topic,
                                std::uint32_t after);

}  // namespace interlock::cli
