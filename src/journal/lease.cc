#include "journal/lease.h"

#include <fmt/format.h>

namespace interlock::journal {
namespace {

std::string name_of(const std::optional<Holder>& holder) {
  if (!holder) return "another dispatcher";
  const std::string process = holder->host.empty()
                                  ? fmt::format("process {}", holder->pid)
                                  : fmt::format("process {} on {}", holder->pid, holder->host);
  if (holder->run.empty()) return process;
  return fmt::format("run `{}` of plan `{}` ({}, since {})", holder->run, holder->plan, process,
                     show_time(holder->since));
}

}  // namespace

Error held_by(const std::string& what, const std::optional<Holder>& holder) {
  const std::string hint =
      holder && !holder->run.empty()
          ? fmt::format("wait for it, or end it with `interlock cancel {}`", holder->run)
          : "wait until it has ended";
  return {Error::Kind::refused, fmt::format("{} is held by {}", what, name_of(holder)), hint};
}

Error went_on(std::uint64_t there, std::uint64_t last) {
  return {Error::Kind::refused,
          fmt::format("another dispatcher went on with the run: it has event {}, and {} was "
                      "expected to be its last",
                      there, last),
          "its events are safe; `interlock show` says how it stands"};
}

}  // namespace interlock::journal
