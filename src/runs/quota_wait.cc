#include "runs/quota_wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "runs/chosen_run.h"

namespace interlock::runs {
namespace {

using namespace std::chrono_literals;

bool stopped_for_quota(const engine::RunState& run) {
  if (run.ended != engine::RunEnded::How::limit_reached) return false;
  return std::ranges::any_of(run.tasks, [](const engine::TaskRecord& task) {
    return task.state == engine::TaskState::waiting && !task.attempts.empty() &&
           task.attempts.back().outcome == engine::Outcome::quota_spent;
  });
}

Duration part_of(Duration whole, double chance) {
  return Duration(static_cast<std::int64_t>(static_cast<double>(whole.count()) * chance));
}

}  // namespace

std::optional<QuotaWait> quota_wait_of(const engine::RunState& run, Time now, std::uint32_t tries,
                                       double chance) {
  constexpr Duration kFirst = 15min;
  constexpr Duration kLongest = 2h;
  constexpr Duration kMostJitter = 30s;
  if (!stopped_for_quota(run)) return std::nullopt;
  // What was said before this dispatcher began is about a reset that has been.
  if (run.quota_resets && *run.quota_resets > now) {
    const Duration left = *run.quota_resets - now;
    return QuotaWait{left + part_of(std::min(left / 20, kMostJitter), chance), true};
  }
  const Duration wait = std::min(kFirst * (std::int64_t{1} << std::min(tries, 3U)), kLongest);
  return QuotaWait{wait + part_of(kMostJitter, chance), false};
}

namespace {

std::string on_quota_file(const std::string& state_folder, const std::string& run) {
  return run_folder(state_folder, run) + "/on_quota";
}

}  // namespace

std::string said_on_quota(const std::string& state_folder, const std::string& run) {
  std::ifstream file(on_quota_file(state_folder, run));
  std::string word;
  file >> word;
  return word == "wait" || word == "stop" ? word : std::string();
}

Result<void> keep_on_quota(const std::string& state_folder, const std::string& run,
                           const std::string& word) {
  const std::string file = on_quota_file(state_folder, run), half = file + ".new";
  std::error_code trouble;
  std::filesystem::create_directories(run_folder(state_folder, run), trouble);
  std::ofstream(half) << word << "\n" << std::flush;
  std::filesystem::rename(half, file, trouble);
  if (trouble || said_on_quota(state_folder, run) != word)
    return fail(Error::Kind::io,
                fmt::format("cannot write `{}`: {}", printable(file), trouble.message()));
  return {};
}

}  // namespace interlock::runs
