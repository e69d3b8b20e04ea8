#include "endpoint/prompt_cache.h"

#include <algorithm>

namespace interlock::endpoint {

Tokens tokens_of(std::size_t bytes) { return static_cast<Tokens>((bytes + 3) / 4); }

const Prefix* PromptCache::longest_held(const Asked& asked, Time now) const {
  const Prefix* longest = nullptr;
  for (const Prefix& prefix : asked.prefixes) {
    const auto seen = seen_.find(prefix.digest);
    if (seen == seen_.end() || now - seen->second > script_.cache_life) continue;
    if (tokens_of(prefix.bytes) >= script_.cache_least) longest = &prefix;
  }
  return longest;
}

Used PromptCache::input_of(const Asked& asked, Time now) const {
  Used used;
  used.input = tokens_of(asked.bytes);
  if (!script_.caches || asked.prefixes.empty()) return used;
  if (const Prefix* held = longest_held(asked, now)) used.cache_read = tokens_of(held->bytes);
  const Tokens marked = tokens_of(asked.prefixes.back().bytes);
  // Only Anthropic bills what is put into the cache; the others put it there for nothing.
  if (asked.api == Api::anthropic && marked >= script_.cache_least) {
    used.cache_write = marked - used.cache_read;
  }
  used.input = std::max<Tokens>(0, used.input - used.cache_read - used.cache_write);
  return used;
}

void PromptCache::keep(const std::vector<Prefix>& prefixes, Time now) {
  for (const Prefix& prefix : prefixes) seen_[prefix.digest] = now;
}

}  // namespace interlock::endpoint
