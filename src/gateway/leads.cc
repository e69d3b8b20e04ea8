#include "gateway/leads.h"

#include <algorithm>
#include <utility>

namespace interlock::gateway {

bool Leads::may_go(const Digest& prefix, CallId call, Moment now) {
  forget_cold(now);
  Prefix& known = prefixes_[prefix];
  if (known.warm_until > now) {
    known.warm_until = now + kWarm;
    return true;
  }
  if (known.lead == 0 || known.lead == call) {
    known.lead = call;
    return true;
  }
  known.waiting.push_back(call);
  return false;
}

std::vector<CallId> Leads::filled(const Digest& prefix, CallId call, Moment now) {
  const auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) return {};
  Prefix& known = found->second;
  known.warm_until = now + kWarm;
  if (known.lead == call) known.lead = 0;
  const std::deque<CallId> going = std::exchange(known.waiting, {});
  return {going.begin(), going.end()};
}

std::vector<CallId> Leads::ended(const Digest& prefix, CallId call) {
  const auto found = prefixes_.find(prefix);
  if (found == prefixes_.end()) return {};
  Prefix& known = found->second;
  std::erase(known.waiting, call);
  if (known.lead != call) return {};
  known.lead = 0;
  if (known.waiting.empty()) return {};
  known.lead = known.waiting.front();
  known.waiting.pop_front();
  return {known.lead};
}

bool Leads::is_warm(const Digest& prefix, Moment now) const {
  const auto found = prefixes_.find(prefix);
  return found != prefixes_.end() && found->second.warm_until > now;
}

void Leads::forget_cold(Moment now) {
  std::erase_if(prefixes_, [&](const auto& entry) {
    const Prefix& known = entry.second;
    return known.lead == 0 && known.waiting.empty() && known.warm_until <= now;
  });
}

}  // namespace interlock::gateway
