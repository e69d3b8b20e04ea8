#pragma once

#include <array>
#include <span>
#include <string_view>

// How enumerators are called in the journal, by their place. These names are its format: they never
// change, and new ones come at the end.
namespace interlock::engine {

inline constexpr std::array<std::string_view, 29> kOutcomes = {
    "succeeded",    "exited-nonzero", "crashed",          "not-started",       "timed-out",
    "went-silent",  "output-missing", "output-too-large", "output-invalid",    "verify-failed",
    "lingered",     "cancelled",      "interrupted",      "outside-footprint", "conflicted",
    "changes-lost", "rate-limited",   "quota-spent",      "over-budget",       "api-failed",
    "auth-failed",  "bad-request",    "too-long",         "cut-off",           "declined",
    "no-final",     "client-limit",   "runaway",          "setup-failed"};
inline constexpr std::array<std::string_view, 6> kHows = {
    "finished", "failed", "paused-at-gate", "interrupted", "cancelled", "limit-reached"};
inline constexpr std::array<std::string_view, 3> kGates = {"before", "after", "review"};
inline constexpr std::array<std::string_view, 7> kTriggers = {
    "first", "retry", "correction", "again", "conflict", "repair", "tries"};
inline constexpr std::array<std::string_view, 6> kCauses = {"other",     "failures", "interrupted",
                                                            "cancelled", "limit",    "checkpoint"};
inline constexpr std::array<std::string_view, 4> kMovePlaces = {"first", "last", "before", "after"};
inline constexpr std::array<std::string_view, 4> kIsolations = {"direct", "guard", "view",
                                                                "worktree"};

template <typename E>
std::string_view word(std::span<const std::string_view> names, E value) {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace interlock::engine
