#include <fmt/format.h>

#include <utility>

#include "gateway/proxied_call.h"
#include "gateway/request_noise.h"

// Answers that need no provider, and keeping those that did.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

namespace {

std::string left_out(const engine::RequestNoise& noise) {
  const std::string words = words_of(noise);
  return words.empty() ? "" : fmt::format(" (left out of account: {})", words);
}

}  // namespace

KnownRequest ProxiedCall::known() const {
  return known_request(route_->spec.label, request_.method, rest_, request_.body,
                       {.base_url = route_->base_url,
                        .secret = route_->secret,
                        .key = route_->provider->key.reveal(),
                        .noise = route_->spec.noise});
}

bool ProxiedCall::replay() {
  if (!board_.replays_all() && !board_.records()) return false;
  const KnownRequest request = known();
  nth_ = ++route_->seen[request.key()];
  if (!board_.replays_all() && !route_->spec.replay_own) return false;
  const auto found = board_.recorded->find(request, nth_);
  if (found && *found) {
    answer_recorded(**found);
    return true;
  }
  if (!board_.replays_all()) return false;
  const std::string why =
      found ? board_.recorded->nearest_difference(request, ordinal_) + left_out(route_->spec.noise)
            : found.error().message;
  if (asked_) {
    refuse(CallEnd::not_recorded,
           {.kind = Refusal::Kind::bad_request, .message = "nothing recorded fits: " + why});
  } else {
    std::exchange(session_, nullptr)
        ->answer(404, {{"content-type", "text/plain"}}, without_secrets(why) + "\n");
    end(CallEnd::not_recorded, why);
  }
  return true;
}

void ProxiedCall::answer_recorded(const Recording& recording) {
  reported_.replayed = true;
  reported_.status = recording.status;
  state_ = State::passing;
  session_->begin(recording.status, recording.headers, {});
  std::string_view left = recording.answer;
  for (const std::size_t chunk : recording.chunks) {
    session_->write(left.substr(0, chunk));
    left.remove_prefix(chunk);
  }
  std::exchange(session_, nullptr)->finish();
  if (!is_reported()) return end(CallEnd::answered, {});
  judge_recorded(recording);
}

/// What was good when it was recorded is so again, and nothing else.
void ProxiedCall::judge_recorded(const Recording& recording) {
  status_ = recording.status;
  headers_ = recording.headers;
  if (status_ >= 400) {
    unpassed_ = recording.answer;
    const Refusal refusal = read_refusal();
    failure_ = failure_for(refusal.kind);
    return end(CallEnd::refused, "refused when it was recorded: " + refusal.message);
  }
  reader_.emplace(asked_->api, is_event_stream(headers_));
  reader_->take(recording.answer);
  reader_->end();
  end_answered();
}

void ProxiedCall::keep_recording() {
  Recording recording;
  recording.request = known();
  recording.ordinal = ordinal_;
  recording.status = status_;
  recording.headers = headers_to_keep(headers_);
  recording.answer = std::move(recorded_);
  recording.chunks = std::move(chunks_);
  // The key is out of it already; the route's secret is replaced in its own length, as in requests,
  // so that what was recorded stays whole.
  blot_out(recording.answer, route_->secret);
  // A recording that cannot be kept harms nobody now: the answer is the client's already.
  if (auto saved = board_.recorded->save(recording, nth_); !saved)
    reported_.detail = "not recorded: " + saved.error().message;
}

}  // namespace interlock::gateway
