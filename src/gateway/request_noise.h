#pragma once

#include <string>

#include "engine/gateway.h"

namespace interlock::gateway {

/// A request's body without what differs from run to run by itself, so that a recording knows it
/// again: paths of the attempt's own get the names that stand for them, UUIDs and times in
/// milliseconds are numbered in the order of their first appearance, dates become `<date>`. Only
/// what `noise` names is touched.
std::string without_noise(std::string body, const engine::RequestNoise& noise);

/// What is left out of account, for people: `its own paths, random ids`; empty: nothing.
std::string words_of(const engine::RequestNoise& noise);

}  // namespace interlock::gateway
