#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"

// What a run and its attempts are called in traces (W3C Trace Context, level 1). It all follows
// from the run, so that whoever writes a trace later says the same as its agents were told.
namespace interlock::engine {

/// 32 hexadecimal digits.
std::string trace_id_of(const std::string& run, Time created);
/// 16 hexadecimal digits: of the run, and of an attempt of the task at this place of the plan.
std::string run_span_of(const std::string& trace);
std::string attempt_span_of(const std::string& trace, std::size_t task, std::uint32_t attempt);
/// The first `digits` of a digest.
std::string span_digits(const std::string& of, std::size_t digits = 16);

/// What TRACEPARENT says to the attempt's programs: sampled, with the attempt as their parent.
std::string traceparent_of(const std::string& trace, std::size_t task, std::uint32_t attempt);

}  // namespace interlock::engine
