#include "gateway/admission.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace interlock::gateway {

Result<std::unique_ptr<Admission>> Admission::open(Loop& loop,
                                                   const std::vector<QuotaOption>& quotas) {
  std::unique_ptr<Admission> admission(new Admission(loop));
  for (const QuotaOption& option : quotas) {
    auto account = quota::Account::open(option.file, option.limits);
    if (!account) return within(std::move(account.error()), "quota `" + option.name + "`");
    quota::Account* const opened = account->get();
    // Whoever starts anew may have paid meanwhile: the first call shows it.
    opened->forget_spent();
    admission->quotas_.push_back({option, std::move(*account)});
    if (opened->changed() < 0) continue;
    loop.watch(opened->changed(), EPOLLIN, [opened, gate = admission.get()](std::uint32_t) {
      opened->take_changes();
      gate->pump();
    });
  }
  return admission;
}

Admission::~Admission() {
  for (const Quota& quota : quotas_) {
    if (quota.account->changed() >= 0) loop_.forget(quota.account->changed());
  }
}

std::optional<std::size_t> Admission::find(std::string_view name) const {
  for (std::size_t i = 0; i < quotas_.size(); ++i) {
    if (quotas_[i].option.name == name) return i;
  }
  return {};
}

void Admission::join(std::uint64_t ticket, std::vector<Want> wants,
                     std::optional<quota::Moment> latest, Seeker& seeker) {
  line_[ticket] = {std::move(wants), latest, &seeker};
  pump();
}

void Admission::leave(std::uint64_t ticket) {
  if (line_.erase(ticket) > 0) pump();
}

void Admission::settle(const Held& held, const quota::Cost& actual) {
  account(held.quota).settle(held.grant, actual, quota::now());
  if (!line_.empty()) pump();
}

void Admission::spent(std::size_t quota, std::optional<quota::Moment> until) {
  account(quota).spent(until);
  pump();
}

void Admission::pump() {
  // Who is admitted or turned away may join, leave or settle at once.
  again_ = true;
  if (is_pumping_) return;
  is_pumping_ = true;
  while (std::exchange(again_, false)) pump_once();
  is_pumping_ = false;
  give_up_places();
}

Admission::Asked Admission::ask(const Waiting& waiting, quota::Moment now) {
  Asked asked;
  for (const Want& want : waiting.wants) {
    auto answer = account(want.quota).ask(want.cost, now);
    if (const auto* const grant = std::get_if<quota::Grant>(&answer)) {
      quotas_[want.quota].has_place = false;
      asked.held.push_back({want.quota, *grant});
      continue;
    }
    quotas_[want.quota].has_place = true;
    asked.denied_by = want.quota;
    asked.denial = std::get<quota::Denial>(answer);
    // All or none.
    for (const Held& held : asked.held)
      account(held.quota).settle(held.grant, quota::Cost{.requests = 0}, now);
    asked.held.clear();
    break;
  }
  return asked;
}

void Admission::pump_once() {
  const quota::Moment now = quota::now();
  std::set<std::size_t> blocked;
  std::optional<quota::Moment> next;
  for (auto at = line_.begin(); at != line_.end() && blocked.size() < quotas_.size();) {
    const auto current = at++;
    const Waiting& waiting = current->second;
    const bool is_first = std::ranges::none_of(
        waiting.wants, [&](const Want& want) { return blocked.contains(want.quota); });
    Asked asked;
    if (is_first) asked = ask(waiting, now);
    if (is_first && !asked.denied_by) {
      Seeker* const seeker = waiting.seeker;
      line_.erase(current);
      seeker->admitted(std::move(asked.held));
      // What that did to the line is seen in another round.
      again_ = true;
      return;
    }
    const bool is_spent = is_first && asked.denial.what == quota::Shortage::spent;
    // Floors only rise, so a floor beyond the deadline is final.
    const bool is_late = is_first && asked.denial.what == quota::Shortage::floor &&
                         waiting.latest && asked.denial.until &&
                         *asked.denial.until > *waiting.latest;
    if (is_spent || is_late) {
      Seeker* const seeker = waiting.seeker;
      line_.erase(current);
      seeker->turned_away(option(*asked.denied_by), is_spent);
      again_ = true;
      return;
    }
    if (is_first) waiting.seeker->deferred(option(*asked.denied_by), asked.denial.until);
    if (is_first && asked.denial.until && (!next || *asked.denial.until < *next))
      next = asked.denial.until;
    for (const Want& want : waiting.wants) blocked.insert(want.quota);
  }
  wake_at(next);
}

void Admission::give_up_places() {
  for (std::size_t i = 0; i < quotas_.size(); ++i) {
    if (!quotas_[i].has_place) continue;
    const bool is_wanted = std::ranges::any_of(line_, [&](const auto& entry) {
      return std::ranges::any_of(entry.second.wants,
                                 [&](const Want& want) { return want.quota == i; });
    });
    if (is_wanted) continue;
    quotas_[i].account->leave();
    quotas_[i].has_place = false;
  }
}

void Admission::wake_at(std::optional<quota::Moment> moment) {
  timer_.reset();
  if (moment) timer_ = loop_.at(*moment, [this] { pump(); });
}

}  // namespace interlock::gateway
