#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace interlock {

/// Whether what a variable of this name holds is most likely a secret.
inline bool names_a_secret(std::string_view name) {
  constexpr std::array<std::string_view, 6> kWords{"KEY",      "TOKEN",      "SECRET",
                                                   "PASSWORD", "CREDENTIAL", "PASSWD"};
  return std::ranges::any_of(kWords, [&](auto word) { return name.find(word) != name.npos; });
}

/// Whether a variable of this name is one in which clients look for a model provider's key.
inline bool names_a_model_key(std::string_view name) {
  return name.ends_with("_API_KEY") || name == "ANTHROPIC_AUTH_TOKEN" ||
         name == "CLAUDE_CODE_OAUTH_TOKEN";
}

}  // namespace interlock
