#include "gateway/run_limit.h"

#include <algorithm>
#include <tuple>

namespace interlock::gateway {

using engine::AttemptName;

void RunLimit::set(std::optional<Tokens> tokens, std::optional<MicroUsd> usd, Charge taken) {
  budget_.set(tokens, usd, taken);
  binds_ = tokens || usd;
}

void RunLimit::open(AttemptName attempt, const Progress& progress) {
  attempts_.insert_or_assign(attempt, Attempt{.progress = progress});
}

void RunLimit::close(AttemptName attempt) { attempts_.erase(attempt); }

Tokens RunLimit::most_used() const {
  Tokens most = 0;
  for (const auto& [name, one] : attempts_)
    most = std::max(most, one.progress.used + one.used.tokens);
  return most;
}

/// Beyond what it has used; `most_used` stands for what is not known of it. Less than nothing where
/// it has used more.
Tokens RunLimit::way_to_go(const Attempt& attempt, Tokens most_used) {
  return attempt.progress.expected.value_or(most_used) - attempt.progress.used -
         attempt.used.tokens;
}

Tokens RunLimit::needs(const Attempt& attempt, Tokens most_used) {
  return std::max({way_to_go(attempt, most_used), attempt.last.tokens, attempt.held.tokens});
}

bool RunLimit::is_before(const Named& one, const Named& other, Tokens most_used) {
  const auto rank = [most_used](const Named& of) {
    const bool would_lose = !of.second.progress.keeps_session && of.second.used.tokens > 0;
    return std::tuple(!would_lose, way_to_go(of.second, most_used), of.first);
  };
  return rank(one) < rank(other);
}

/// What is to be left for those before it. In dollars: by what each paid for its tokens so far, or,
/// where it has used none, by what this call pays.
Charge RunLimit::kept_for_others(const Named& own, const Charge& call) const {
  const Tokens most = most_used();
  Charge sum;
  for (const Named& one : attempts_) {
    const Attempt& other = one.second;
    if (other.parked || one.first == own.first || !is_before(one, own, most)) continue;
    const Tokens more = needs(other, most) - other.held.tokens;
    const Charge& known = other.used.tokens > 0 ? other.used : call;
    const double price =
        known.tokens > 0 ? static_cast<double>(known.usd) / static_cast<double>(known.tokens) : 0;
    sum += {.tokens = more, .usd = static_cast<MicroUsd>(price * static_cast<double>(more))};
  }
  return sum;
}

RunLimit::Verdict RunLimit::judge(AttemptName attempt, const Charge& call) const {
  if (!binds_) return Verdict::go;
  const auto own = attempts_.find(attempt);
  if (own == attempts_.end()) return fits(call) ? Verdict::go : Verdict::park;
  if (fits(call)) {
    Charge all = kept_for_others(*own, call);
    all += call;
    return fits(all) ? Verdict::go : Verdict::wait;
  }
  // Calls in flight hold what they may come to, and mostly give some of it back.
  Charge at_best = call;
  at_best -= in_flight_;
  const bool may_fit_later = in_flight_ != Charge() && fits(at_best);
  return may_fit_later || own->second.in_flight > 0 ? Verdict::wait : Verdict::park;
}

std::string_view RunLimit::scarce(const Charge& call) const {
  return budget_.passed_by(call).value_or("tokens");
}

void RunLimit::hold(AttemptName attempt, const Charge& call) {
  budget_.take(call);
  in_flight_ += call;
  const auto own = attempts_.find(attempt);
  if (own == attempts_.end()) return;
  own->second.parked = false;
  own->second.held += call;
  ++own->second.in_flight;
}

void RunLimit::settle(AttemptName attempt, const Charge& held, const Charge& took) {
  budget_.give_back(held);
  budget_.take(took);
  in_flight_ -= held;
  const auto own = attempts_.find(attempt);
  if (own == attempts_.end()) return;
  own->second.held -= held;
  --own->second.in_flight;
  own->second.used += took;
  own->second.last = took;
}

void RunLimit::park(AttemptName attempt) {
  if (const auto own = attempts_.find(attempt); own != attempts_.end()) own->second.parked = true;
}

}  // namespace interlock::gateway
