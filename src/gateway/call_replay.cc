#include <fmt/format.h>

#include <utility>

#include "gateway/call.h"

// Answers that need no provider, and keeping those that did.
namespace interlock::gateway {

using engine::CallEnd;
using metering::Refusal;

KnownRequest Call::known() const {
  return known_request(
      door_->wish.label, request_.method, rest_, request_.body,
      {.base_url = door_->base_url, .secret = door_->secret, .key = door_->provider->key.reveal()});
}

bool Call::replay() {
  if (!board_.replays_all() && !board_.records()) return false;
  const KnownRequest request = known();
  nth_ = ++door_->seen[request.key()];
  if (!board_.replays_all() && !door_->wish.replay_own) return false;
  const auto found = board_.recorded->find(request, nth_);
  if (found && *found) {
    answer_recorded(**found);
    return true;
  }
  if (!board_.replays_all()) return false;
  const std::string why =
      found ? board_.recorded->nearest_difference(request, ordinal_) : found.error().message;
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

void Call::answer_recorded(const Recording& recording) {
  told_.replayed = true;
  told_.status = recording.status;
  state_ = State::passing;
  session_->begin(recording.status, recording.headers, {});
  std::string_view left = recording.answer;
  for (const std::size_t chunk : recording.chunks) {
    session_->write(left.substr(0, chunk));
    left.remove_prefix(chunk);
  }
  std::exchange(session_, nullptr)->finish();
  if (!is_told()) return end(CallEnd::answered, {});
  judge_recorded(recording);
}

/// What was good when it was recorded is so again, and nothing else.
void Call::judge_recorded(const Recording& recording) {
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

void Call::keep_recording() {
  Recording recording;
  recording.request = known();
  recording.ordinal = ordinal_;
  recording.status = status_;
  recording.headers = headers_to_keep(headers_);
  recording.answer = std::move(recorded_);
  recording.chunks = std::move(chunks_);
  // The key is out of it already; the door's secret is replaced in its own length, as in requests,
  // so that what was recorded stays whole.
  blot_out(recording.answer, door_->secret);
  // A recording that cannot be kept harms nobody now: the answer is the client's already.
  if (auto saved = board_.recorded->save(recording, nth_); !saved)
    told_.detail = "not recorded: " + saved.error().message;
}

}  // namespace interlock::gateway
