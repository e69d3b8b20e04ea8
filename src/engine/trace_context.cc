#include "engine/trace_context.h"

#include <fmt/format.h>

#include "base/digest.h"

namespace interlock::engine {

/// Made of what is known anyway, so that a run exported twice has the same ids.
std::string span_digits(const std::string& of, std::size_t digits) {
  return digest_of(of).hex().substr(0, digits);
}

std::string trace_id_of(const std::string& run, Time created) {
  return span_digits(fmt::format("trace {} {}", run, created.time_since_epoch().count()), 32);
}

std::string run_span_of(const std::string& trace) { return span_digits("run " + trace); }

std::string attempt_span_of(const std::string& trace, std::size_t task, std::uint32_t attempt) {
  return span_digits(fmt::format("attempt {} {} {}", trace, task, attempt));
}

std::string traceparent_of(const std::string& trace, std::size_t task, std::uint32_t attempt) {
  // W3C Trace Context: version 00, and sampled.
  return fmt::format("00-{}-{}-01", trace, attempt_span_of(trace, task, attempt));
}

}  // namespace interlock::engine
