#pragma once

#include <map>
#include <optional>
#include <vector>

#include "endpoint/asked.h"
#include "endpoint/script.h"

// Tokens counted without a tokenizer: four bytes are one. What matters is that the same request
// always counts the same, and that both sides can be held to it.
namespace interlock::endpoint {

Tokens tokens_of(std::size_t bytes);

/// Beginnings of prompts that were seen lately.
class PromptCache {
 public:
  explicit PromptCache(const Script& script) : script_(script) {}

  /// What the input of this request comes to, by what the cache holds now.
  Used input_of(const Asked& asked, Time now) const;
  /// An answer to what begins so has begun: from now on its beginnings are there for others.
  void keep(const std::vector<Prefix>& prefixes, Time now);

 private:
  const Prefix* longest_held(const Asked& asked, Time now) const;

  const Script& script_;
  std::map<Digest, Time> seen_;  ///< When last used.
};

}  // namespace interlock::endpoint
