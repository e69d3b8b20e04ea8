#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metering/windows.h"

// The windows of a subscription, as all runs on this machine have seen them: in
// `<state>/quotas/<provider>.windows`, JSON.
namespace interlock::quota {

/// What was used of a window, from this moment on.
struct WindowLevel {
  Time at{};
  double used = 0;

  bool operator==(const WindowLevel&) const = default;
};
inline constexpr std::size_t kLevelsKept = 240;

struct KnownWindow {
  metering::Window last;  ///< As it was reported last.
  Time seen{};            ///< When.
  double first_used = 0;  ///< When it was first seen since its last reset,
  /// and what was used through here since. Nothing where that is not known: the next answer begins
  /// anew.
  std::optional<Tokens> tokens;
  /// What a token took of it, once that could be told; it stays over resets.
  std::optional<double> share_per_token;
  /// What was reported before, resets and all: the oldest first, of many only some.
  std::vector<WindowLevel> levels;
};

/// What was known, with what an answer told. `tokens`: what that answer's call used; its own
/// headers do not count them yet.
std::vector<KnownWindow> with_answer(std::vector<KnownWindow> known,
                                     const std::vector<metering::Window>& reported,
                                     std::optional<Tokens> tokens, Time now);

std::string to_text(const std::vector<KnownWindow>& known);
/// Of anything else than such a text: none.
std::vector<KnownWindow> windows_from_text(std::string_view text);

/// From these parts of a window on people are warned, once each.
inline constexpr double kWarnFrom = 0.75;
inline constexpr double kLittleFrom = 0.90;

/// Takes an answer's windows into the file, under its lock. Those that have come to one of these
/// parts since the answer before.
Result<std::vector<metering::Window>> note_windows(const std::string& file,
                                                   const std::vector<metering::Window>& reported,
                                                   std::optional<Tokens> tokens, Time now);
/// All that the file knows, also those that are reset since.
std::vector<KnownWindow> windows_in(const std::string& file);
/// Those that are not reset yet; none where the file is not there.
std::vector<KnownWindow> known_windows(const std::string& file, Time now);

}  // namespace interlock::quota
