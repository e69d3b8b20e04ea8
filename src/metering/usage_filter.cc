#include "metering/answer.h"
#include "metering/sse.h"

namespace interlock::metering {
namespace {

/// The event that was asked for is small; what is longer goes on as it comes.
constexpr std::size_t kBytesMax = std::size_t{1} << 20;

bool is_usage_only(std::string_view bytes, std::string& scratch) {
  if (!has_value(bytes, "\"usage\"")) return false;
  const auto chunk = Glance::of(read_event(bytes, scratch).data);
  if (!chunk) return false;
  const Glance choices = (*chunk)["choices"];
  return choices.is_array() && choices.is_empty() && (*chunk)["usage"].is_object();
}

}  // namespace

struct UsageEventFilter::State {
  EventCutter cutter{kBytesMax};
  std::string scratch;
};

UsageEventFilter::UsageEventFilter() : state_(std::make_unique<State>()) {}
UsageEventFilter::~UsageEventFilter() = default;
UsageEventFilter::UsageEventFilter(UsageEventFilter&&) noexcept = default;
UsageEventFilter& UsageEventFilter::operator=(UsageEventFilter&&) noexcept = default;

std::string UsageEventFilter::take(std::string_view bytes) {
  std::string passed;
  state_->cutter.take(bytes, [&](const EventCutter::Piece& piece) {
    if (!piece.whole || !is_usage_only(piece.bytes, state_->scratch)) passed += piece.bytes;
  });
  return passed;
}

std::string UsageEventFilter::end() {
  std::string passed;
  state_->cutter.end([&](const EventCutter::Piece& piece) { passed += piece.bytes; });
  return passed;
}

}  // namespace interlock::metering
