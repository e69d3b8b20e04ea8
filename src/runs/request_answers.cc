#include "runs/request_answers.h"

#include <poll.h>

#include <variant>

#include "process/clock.h"

namespace interlock::runs {

namespace {

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr int kLookMs = 20;

/// The event's word on a request; nothing: it is of something else.
std::optional<RequestAnswer> word_of(const engine::Event& event, std::int64_t request) {
  if (const auto* refused = std::get_if<engine::RequestRefused>(&event);
      refused != nullptr && refused->request == request)
    return RequestAnswer{refused->why};
  const auto answers = [&](const auto* one) { return one != nullptr && one->request == request; };
  const bool done = answers(std::get_if<engine::BoardPosted>(&event)) ||
                    answers(std::get_if<engine::MessageSent>(&event)) ||
                    answers(std::get_if<engine::TaskMoved>(&event));
  return done ? std::optional(RequestAnswer{}) : std::nullopt;
}

}  // namespace

Result<std::optional<RequestAnswer>> ask_and_wait(Asked& asked, engine::Request::Kind kind,
                                                  const std::string& task,
                                                  const std::string& body) {
  const std::uint64_t before = asked.run->state.seq;
  const auto number = post(*asked.store, *asked.run, kind, task, body);
  if (!number) return std::unexpected(number.error());
  process::SystemClock clock;
  const Time began = clock.now();
  std::optional<RequestAnswer> answer;
  while (clock.now() - began < kPatience) {
    auto replayed =
        asked.store->replay(asked.run->id(), before, [&](engine::RecordedEvent&& recorded) {
          if (!answer) answer = word_of(recorded.event, *number);
        });
    if (!replayed) return std::unexpected(replayed.error());
    if (answer) return answer;
    if (!asked.run->dispatched()) {
      // Another dispatcher may have begun before the request was there.
      auto now = choose_run_as_kept(*asked.store, asked.run->id());
      if (!now) return std::unexpected(now.error());
      asked.run = std::move(*now);
      if (!asked.run->dispatched()) break;
      poke(*asked.run);
    }
    ::poll(nullptr, 0, kLookMs);
  }
  return std::optional<RequestAnswer>();
}

}  // namespace interlock::runs
