#include "http/session.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/json.h"

namespace interlock::http {
namespace {

constexpr std::size_t kReadAtOnce = std::size_t{64} << 10U;
/// What a client may send ahead of its answer before we stop listening to it.
constexpr std::size_t kMostAhead = std::size_t{64} << 10U;
/// So much of a refused request's body is read, for whoever is still writing it would see a broken
/// connection instead of the answer.
constexpr std::uint64_t kMostDropped = std::uint64_t{64} << 10U;

std::string error_text(const std::string& message) {
  return canonical_json(
      json::object{{"error", {{"type", "invalid_request_error"}, {"message", message}}}});
}

}  // namespace

Session::Session(sys::Loop& loop, sys::Descriptor socket, const Rules& rules, OnHead on_head,
                 OnRequest on_request, OnClosed on_closed, std::uint64_t listener)
    : loop_(loop),
      socket_(std::move(socket)),
      rules_(rules),
      on_head_(std::move(on_head)),
      on_request_(std::move(on_request)),
      on_closed_(std::move(on_closed)),
      listener_(listener),
      interest_(EPOLLIN | EPOLLRDHUP) {
  loop_.watch(socket_.get(), interest_, [this](std::uint32_t events) { on_ready(events); });
  since_ = sys::Loop::now();
  watch_clock();
}

Session::~Session() {
  if (socket_) loop_.forget(socket_.get());
}

void Session::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  notify_when_ready();
  if (socket_ && (events & EPOLLIN) != 0) read_some();
  // A client that will read no more and one that will send no more look alike; both have left.
  if (socket_ && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) close();
}

void Session::read_some() {
  const std::size_t had = in_.size();
  // A big body is read in as few steps as the socket's buffer allows.
  in_.resize_and_overwrite(had + kReadAtOnce, [&](char* data, std::size_t) {
    const ssize_t count = ::recv(socket_.get(), data + had, kReadAtOnce, MSG_DONTWAIT);
    return had + (count > 0 ? static_cast<std::size_t>(count) : 0);
  });
  if (in_.size() > had) {
    last_read_ = sys::Loop::now();
    if (had == 0 && state_ == State::head) since_ = last_read_;
    advance();
  }
  if (!socket_) return;
  set_interest();
  watch_clock();
}

/// When its patience ends; nothing while it is being answered.
std::optional<sys::Loop::Moment> Session::due() const {
  if (state_ == State::answering) return {};
  if (state_ == State::body) return last_read_ + rules_.body;
  if (!in_.empty()) return since_ + rules_.head;
  return since_ + (is_stranger_ ? rules_.stranger : rules_.idle);
}

/// Set anew only to come earlier: when it rings too early, it is set once more.
void Session::watch_clock() {
  const auto moment = due();
  if (!moment || (clock_ && clock_due_ <= *moment)) return;
  clock_due_ = *moment;
  clock_ = loop_.at(*moment, [this] { on_clock(); });
}

void Session::on_clock() {
  clock_.reset();
  const auto moment = due();
  if (!socket_ || !moment) return;
  if (*moment > sys::Loop::now()) return watch_clock();
  if (state_ == State::head && in_.empty()) return close();
  refuse(408, "the rest of the request did not come in time");
}

void Session::advance() {
  // An answer that is there at once would come back here from `finish`.
  if (is_advancing_) return;
  is_advancing_ = true;
  while (socket_) {
    if (state_ == State::head && (closes_after_ || !take_head())) break;
    if (state_ == State::body && !take_body()) break;
    if (state_ == State::answering) break;
  }
  is_advancing_ = false;
}

bool Session::take_head() {
  const std::size_t end = in_.find("\r\n\r\n", looked_at_ < 3 ? 0 : looked_at_ - 3);
  if (end == std::string::npos) {
    // Who ends lines otherwise would wait for an answer that never comes.
    std::size_t from = looked_at_;
    while (from > 0 && (in_[from - 1] == '\r' || in_[from - 1] == '\n')) --from;
    if (has_bare_line_end(std::string_view(in_).substr(from))) {
      refuse(400, "the request is not HTTP/1.1: a line of it does not end in CR LF");
      return false;
    }
    looked_at_ = in_.size();
    if (in_.size() > rules_.largest_head) refuse(400, "the request's headers are too long");
    return false;
  }
  looked_at_ = 0;
  if (end > rules_.largest_head) {
    refuse(400, "the request's headers are too long");
    return false;
  }
  auto head = read_request_head(std::string_view(in_).substr(0, end + 4));
  if (!head) {
    refuse(400, head.error().message);
    return false;
  }
  in_.erase(0, end + 4);
  request_ = std::move(head->request);
  request_.listener = listener_;
  framing_ = head->framing;
  chunks_ = {};
  HeadVerdict verdict = on_head_(request_);
  is_stranger_ = verdict.is_stranger;
  if (verdict.status != 0) {
    if (framing_.chunked || framing_.expects_continue || framing_.length > kMostDropped) {
      refuse(verdict.status, verdict.message);
      return false;
    }
    to_drop_ = framing_.length;
    refused_ = std::move(verdict);
    state_ = State::body;
    return true;
  }
  request_.room = std::move(verdict.room);
  if (framing_.length > rules_.largest_body) {
    refuse(413,
           fmt::format("the request's body is larger than {} MiB", rules_.largest_body >> 20U));
    return false;
  }
  state_ = State::body;
  if (framing_.expects_continue && in_.empty()) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
  return true;
}

/// The request was refused by its head.
bool Session::take_refused() {
  const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(to_drop_, in_.size()));
  in_.erase(0, some);
  to_drop_ -= some;
  if (to_drop_ > 0) return false;
  const HeadVerdict verdict = std::move(*std::exchange(refused_, {}));
  state_ = State::answering;
  closes_after_ = is_stranger_ || !request_.keeps_alive;
  is_without_body_ = request_.method == "HEAD";
  answer(verdict.status, {{"content-type", "application/json"}}, error_text(verdict.message));
  return true;
}

/// Whether the body is whole; `refuse` has answered when it cannot be.
bool Session::take_content() {
  const auto has_room = [&](std::size_t bytes) {
    if (request_.room.take(bytes)) return true;
    refuse(413, "the requests of this attempt take too much memory at once");
    return false;
  };
  const std::size_t had = request_.body.size();
  if (framing_.chunked) {
    in_.erase(0, chunks_.take(in_, request_.body, rules_.largest_body));
    if (chunks_.is_bad()) {
      refuse(413, "the request's chunks are malformed or too many");
      return false;
    }
    return has_room(request_.body.size() - had) && chunks_.is_done();
  }
  const std::size_t missing = framing_.length - had;
  const std::size_t some = std::min(missing, in_.size());
  if (!has_room(some)) return false;
  if (had == 0 && in_.size() <= missing) {
    request_.body = std::move(in_);
    request_.body.reserve(framing_.length);
    in_.clear();
  } else {
    request_.body.append(in_, 0, some);
    in_.erase(0, some);
  }
  return request_.body.size() == framing_.length;
}

bool Session::take_body() {
  if (refused_) return take_refused();
  if (!take_content()) return false;
  state_ = State::answering;
  closes_after_ = !request_.keeps_alive;
  is_without_body_ = request_.method == "HEAD" || request_.method == "CONNECT";
  on_request_(*this, std::move(request_));
  return true;
}

void Session::refuse(int status, const std::string& message) {
  closes_after_ = true;
  state_ = State::answering;
  is_without_body_ = false;
  request_.body = {};
  request_.room = {};
  answer(status, {{"content-type", "application/json"}}, error_text(message));
}

void Session::begin(int status, HeaderList headers, std::optional<std::uint64_t> length) {
  check(state_ == State::answering, "an answer begins after its request");
  if (length) {
    headers.emplace_back("content-length", fmt::format("{}", *length));
  } else if (is_without_body_ || status == 204 || status == 304) {
    is_without_body_ = true;
  } else if (request_.reads_chunks) {
    chunks_out_ = true;
    headers.emplace_back("transfer-encoding", "chunked");
  } else {
    closes_after_ = true;
  }
  headers.insert(headers.end(), rules_.headers.begin(), rules_.headers.end());
  if (closes_after_) headers.emplace_back("connection", "close");
  out_ += write_response_head(status, headers);
}

void Session::write(std::string_view bytes) {
  if (!socket_ || bytes.empty() || is_without_body_) return;
  if (chunks_out_) {
    fmt::format_to(std::back_inserter(out_), "{:x}\r\n", bytes.size());
    out_.append(bytes).append("\r\n");
  } else {
    out_.append(bytes);
  }
  if (is_behind()) was_behind_ = true;
  flush_soon();
}

/// When what else is ready was handled: pieces that came together go out together.
void Session::flush_soon() {
  if (std::exchange(is_flush_due_, true)) return;
  loop_.when_idle([this] {
    is_flush_due_ = false;
    flush();
    notify_when_ready();
  });
}

void Session::finish() {
  answerer_ = nullptr;
  if (!socket_) return;
  if (chunks_out_ && !is_without_body_) out_ += "0\r\n\r\n";
  chunks_out_ = false;
  state_ = State::head;
  since_ = sys::Loop::now();
  flush_soon();
  if (!closes_after_) advance();
  if (socket_) watch_clock();
}

void Session::answer(int status, HeaderList headers, std::string_view body) {
  begin(status, std::move(headers), body.size());
  if (!is_without_body_) out_.append(body);
  finish();
}

void Session::break_off() {
  answerer_ = nullptr;
  flush();
  close();
}

sys::Descriptor Session::hand_over(std::string& unread) {
  check(state_ == State::answering, "a request is handed over before its answer");
  flush();
  // Who does not even take the answers before this one.
  if (socket_ && !out_.empty()) close();
  if (!socket_) return {};
  unread = std::exchange(in_, {});
  loop_.forget(socket_.get());
  sys::Descriptor given = std::move(socket_);
  answerer_ = nullptr;
  loop_.when_idle([this] { on_closed_(*this); });
  return given;
}

void Session::flush() {
  while (socket_ && sent_ < out_.size()) {
    const ssize_t count = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return close();
    if (count < 0) break;
    sent_ += static_cast<std::size_t>(count);
  }
  after_flush();
}

void Session::after_flush() {
  if (!socket_) return;
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
    if (closes_after_ && state_ == State::head) return close();
  } else if (sent_ > rules_.most_unsent) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  set_interest();
  if (is_behind()) was_behind_ = true;
}

void Session::notify_when_ready() {
  if (!socket_ || !was_behind_ || out_.size() - sent_ >= rules_.most_unsent / 4) return;
  was_behind_ = false;
  if (answerer_ != nullptr) answerer_->client_ready();
}

void Session::set_interest() {
  std::uint32_t wanted = EPOLLRDHUP;
  if (state_ != State::answering || in_.size() < kMostAhead) wanted |= EPOLLIN;
  if (sent_ < out_.size()) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.change(socket_.get(), wanted);
}

void Session::close() {
  if (!socket_) return;
  loop_.forget(socket_.get());
  socket_.reset();
  // Later: whoever is writing just now must not be taken apart below his feet.
  loop_.when_idle([this] {
    if (Answerer* const answerer = std::exchange(answerer_, nullptr)) answerer->client_left();
    on_closed_(*this);
  });
}

}  // namespace interlock::http
