#pragma once

#include <cstddef>
#include <string_view>

#include "base/digest.h"
#include "base/units.h"
#include "metering/glance.h"
#include "metering/model_call.h"

namespace interlock::metering {

/// The members of a body that are parts of the prompt.
struct PromptParts {
  Glance tools, system, messages, input, cache_key, cached, mark;

  void take(std::string_view key, const Glance& value);
};

/// What a provider's prompt cache would compare first.
struct Prefix {
  Digest digest;
  std::size_t bytes = 0;  ///< 0: nothing is cached, or nothing can be shared.
};

/// Anthropic caches where it is told to; the others whatever begins equal. Left out is what changes
/// from request to request without being part of the prompt: Claude Code's first system block (a
/// line for billing, which the provider takes out), and metadata.
Prefix prefix_of(Api api, std::string_view model, const PromptParts& parts);

/// The least that the model's provider caches; 1024 when the model is not known.
Tokens cache_least_of(std::string_view model);

}  // namespace interlock::metering
