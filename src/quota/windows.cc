#include "quota/windows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/json.h"
#include "base/text.h"
#include "sys/descriptor.h"

namespace interlock::quota {
namespace {

constexpr std::size_t kBytesMax = 64u << 10;
constexpr double kLeastShare = 0.005;  ///< Less of a step is the provider's rounding.

std::int64_t seconds_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::string read_all(int file) {
  std::string text(kBytesMax, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::optional<double> number_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

/// Where there are too many, every other goes, but the first and the last.
void add_level(std::vector<WindowLevel>& levels, Time at, double used) {
  constexpr double kShown = 10'000;  // Finer steps nobody sees.
  used = std::round(used * kShown) / kShown;
  if (!levels.empty() && (levels.back().used == used || levels.back().at > at)) return;
  levels.push_back({at, used});
  if (levels.size() <= kLevelsKept) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (i % 2 == 0 || i + 1 == levels.size()) levels[kept++] = levels[i];
  }
  levels.resize(kept);
}

json::array levels_json(const std::vector<WindowLevel>& levels) {
  json::array list;
  for (const WindowLevel& one : levels) {
    list.emplace_back(one.at.time_since_epoch().count() / 1000);
    list.emplace_back(one.used);
  }
  return list;
}

std::vector<WindowLevel> levels_from(const json::object& in) {
  std::vector<WindowLevel> levels;
  const json::value* found = in.if_contains("levels");
  const json::array* list = found == nullptr ? nullptr : found->if_array();
  for (std::size_t i = 0; list != nullptr && i + 1 < list->size(); i += 2) {
    const json::value &at = (*list)[i], &used = (*list)[i + 1];
    if (!at.is_int64() || !used.is_number() || levels.size() > kLevelsKept) break;
    levels.push_back({Time(std::chrono::milliseconds(at.get_int64())), used.to_number<double>()});
  }
  return levels;
}

}  // namespace

std::vector<KnownWindow> with_answer(std::vector<KnownWindow> known,
                                     const std::vector<metering::Window>& reported,
                                     std::optional<Tokens> tokens, Time now) {
  for (const metering::Window& window : reported) {
    auto at =
        std::ranges::find(known, window.name, [](const KnownWindow& k) { return k.last.name; });
    if (at == known.end()) at = known.insert(known.end(), KnownWindow{});
    // Answers come in any order; what is used only grows until the reset.
    if (at->last.resets != window.resets) {
      if (window.resets < at->last.resets) continue;
      *at = {window, now, window.used, tokens, at->share_per_token, std::move(at->levels)};
      add_level(at->levels, now, window.used);
      continue;
    }
    at->last.used = std::max(at->last.used, window.used);
    at->seen = now;
    add_level(at->levels, now, at->last.used);
    if (!at->tokens || !tokens) {
      at->first_used = at->last.used;
      at->tokens = tokens;
      continue;
    }
    const double step = at->last.used - at->first_used;
    if (step >= kLeastShare && *at->tokens > 0)
      at->share_per_token = step / static_cast<double>(*at->tokens);
    *at->tokens += *tokens;
  }
  return known;
}

std::string to_text(const std::vector<KnownWindow>& known) {
  json::array list;
  for (const KnownWindow& one : known) {
    list.push_back(
        json::object{{"name", one.last.name},
                     {"used", one.last.used},
                     {"resets", seconds_of(one.last.resets)},
                     {"seen", seconds_of(one.seen)},
                     {"first_used", one.first_used},
                     {"tokens", one.tokens ? json::value(*one.tokens) : json::value(nullptr)},
                     {"share_per_token", one.share_per_token ? json::value(*one.share_per_token)
                                                             : json::value(nullptr)},
                     {"levels", levels_json(one.levels)}});
  }
  return canonical_json(json::object{{"windows", std::move(list)}}) + "\n";
}

std::vector<KnownWindow> windows_from_text(std::string_view text) {
  std::vector<KnownWindow> known;
  const auto parsed = parse_json(text);
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  const json::value* list = object == nullptr ? nullptr : object->if_contains("windows");
  if (list == nullptr || !list->is_array()) return known;
  for (const json::value& value : list->get_array()) {
    const json::object* one = value.if_object();
    if (one == nullptr) continue;
    const json::value* name = one->if_contains("name");
    const auto used = number_at(*one, "used"), resets = number_at(*one, "resets");
    const auto seen = number_at(*one, "seen"), first = number_at(*one, "first_used");
    const auto tokens = number_at(*one, "tokens");
    if (name == nullptr || !name->is_string() || !used || !resets || !seen || !first) continue;
    const auto time_of = [](double seconds) {
      return Time(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
    };
    known.push_back({{std::string(name->get_string()), *used, time_of(*resets)},
                     time_of(*seen),
                     *first,
                     tokens ? std::optional(static_cast<Tokens>(*tokens)) : std::nullopt,
                     number_at(*one, "share_per_token"),
                     levels_from(*one)});
  }
  return known;
}

namespace {

std::vector<metering::Window> came_to_warn(const std::vector<KnownWindow>& before,
                                           const std::vector<KnownWindow>& after) {
  std::vector<metering::Window> came;
  for (const KnownWindow& one : after) {
    const auto same = std::ranges::find_if(before, [&](const KnownWindow& other) {
      return other.last.name == one.last.name && other.last.resets == one.last.resets;
    });
    const double used = same == before.end() ? 0 : same->last.used;
    const auto passes = [&](double part) { return used < part && one.last.used >= part; };
    if (passes(kWarnFrom) || passes(kLittleFrom)) came.push_back(one.last);
  }
  return came;
}

}  // namespace

Result<std::vector<metering::Window>> note_windows(const std::string& file,
                                                   const std::vector<metering::Window>& reported,
                                                   std::optional<Tokens> tokens, Time now) {
  const auto cannot = [&] {
    return fail(Error::Kind::io, fmt::format("cannot note windows in `{}`: {}", printable(file),
                                             std::strerror(errno)));
  };
  const sys::Descriptor held(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!held) return cannot();
  while (::flock(held.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return cannot();
  }
  const auto before = windows_from_text(read_all(held.get()));
  const auto after = with_answer(before, reported, tokens, now);
  const std::string text = to_text(after);
  const bool is_written =
      ::ftruncate(held.get(), 0) == 0 &&
      ::pwrite(held.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!is_written) return cannot();
  return came_to_warn(before, after);
}

std::vector<KnownWindow> windows_in(const std::string& file) {
  const sys::Descriptor held(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!held || ::flock(held.get(), LOCK_SH) != 0) return {};
  return windows_from_text(read_all(held.get()));
}

std::vector<KnownWindow> known_windows(const std::string& file, Time now) {
  auto known = windows_in(file);
  std::erase_if(known, [&](const KnownWindow& one) { return one.last.resets <= now; });
  return known;
}

}  // namespace interlock::quota
