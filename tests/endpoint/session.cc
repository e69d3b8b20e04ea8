#include "endpoint/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <utility>

namespace interlock::endpoint {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kBodyMax = std::size_t{256} << 20;

Time wall_clock() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

std::string head_of(const Answer& answer, bool keeps_alive) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nConnection: {}\r\n",
                                 answer.status, answer.status < 400 ? "OK" : "Refused",
                                 answer.content_type, keeps_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : answer.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head;
}

std::string chunk(std::string_view data) {
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

}  // namespace

Session::Session(asio::ip::tcp::socket socket, Provider& provider)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), provider_(provider) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Session::read_head() {
  ++turn_;
  parser_.emplace();
  parser_->body_limit(kBodyMax);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, std::size_t) {
                            if (error) return self->close();
                            if (self->parser_->get()[http::field::expect].empty()) {
                              return self->read_body();
                            }
                            self->out_ = "HTTP/1.1 100 Continue\r\n\r\n";
                            self->send(&Session::read_body);
                          });
}

void Session::read_body() {
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](error_code error, std::size_t) {
                     if (error) return self->close();
                     self->on_request();
                   });
}

void Session::on_request() {
  const auto& request = parser_->get();
  const std::string method(request.method_string());
  const std::string target(request.target());
  Incoming incoming{method, target, request.body(), {}};
  for (const auto& field : request) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    incoming.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  keeps_alive_ = request.keep_alive();
  only_head_ = request.method() == http::verb::head;
  answer_ = provider_.ask(incoming, wall_clock());
  answering_ = true;
  next_ = 0;
  garbled_ = false;
  const Step& how = answer_.step;
  if (how.hangs || how.wait > Duration{} || how.delay > Duration{} || how.stall_after) watch();
  if (how.hangs) return;
  if (how.wait > Duration{}) {
    work_ = provider_.work();
    work_left_ = to_seconds(how.wait);
    worked_at_ = std::chrono::steady_clock::now();
    return work_on();
  }
  deliver();
}

void Session::work_on() {
  constexpr double kStep_s = 0.005;
  const auto now = std::chrono::steady_clock::now();
  work_left_ -= std::chrono::duration<double>(now - worked_at_).count() * provider_.pace();
  worked_at_ = now;
  if (work_left_ <= 0) {
    work_.reset();
    return deliver();
  }
  after(Duration(static_cast<std::int64_t>(std::min(work_left_, kStep_s) * 1e6) + 1),
        &Session::work_on);
}

void Session::deliver() {
  if (answer_.status == 0) return close_broken();
  provider_.began(answer_.number, wall_clock());
  if (answer_.frames.empty()) return send_whole();
  send_head_of_stream();
}

void Session::send_whole() {
  const Step& how = answer_.step;
  if (how.garble_after) answer_.body = "{\"broken\": [1, ";
  out_ = head_of(answer_, keeps_alive_);
  out_ += fmt::format("Content-Length: {}\r\n\r\n", answer_.body.size());
  if (how.cut_after) {
    out_ += answer_.body.substr(0, answer_.body.size() / 2);
    finish(CallEnd::broken);
    return send(&Session::close);
  }
  if (!only_head_) out_ += answer_.body;
  finish(how_it_ends());
  send(&Session::next_request);
}

void Session::send_head_of_stream() {
  out_ = head_of(answer_, keeps_alive_);
  out_ += "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
  send(&Session::next_frame);
}

void Session::next_frame() {
  const Step& how = answer_.step;
  if (how.stall_after && next_ >= *how.stall_after) return;
  if (how.end_after && next_ >= *how.end_after) return end_stream();
  if (next_ >= answer_.frames.size()) return end_stream();
  const Frame& frame = answer_.frames[next_];
  if (how.cut_after && next_ >= *how.cut_after) return send_half(frame);
  if (how.garble_after && next_ >= *how.garble_after && !std::exchange(garbled_, true)) {
    return send_garbage();
  }
  send_frame(frame);
}

void Session::send_frame(const Frame& frame) {
  const bool first = next_++ == 0;
  out_ = chunk(answer_.as_array ? (first ? "[" : ",\n") + frame.data : wire_of(frame));
  if (frame.tells) provider_.told(answer_.number, *frame.tells);
  // The books are closed before the client can know that this was all: who has seen the end and
  // then asks for the books finds it there.
  const bool last = next_ == answer_.frames.size();
  if (last && !answer_.step.stall_after && !answer_.step.cut_after) finish(how_it_ends());
  if (last || answer_.step.delay == Duration{}) return send(&Session::next_frame);
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this(), turn = turn_](error_code error, std::size_t) {
                      if (turn != self->turn_ || !self->answering_) return;
                      if (error) {
                        self->finish(CallEnd::client_gone);
                        return self->close();
                      }
                      self->after(self->answer_.step.delay, &Session::next_frame);
                    });
}

void Session::send_half(const Frame& frame) {
  const std::string whole = chunk(wire_of(frame));
  out_ = whole.substr(0, whole.size() / 2);
  finish(CallEnd::broken);
  send(&Session::close);
}

void Session::send_garbage() {
  out_ = chunk(": a comment\n\nevent: unheard_of\ndata: {\"type\": \"unheard_of\"}\n\n");
  out_ += chunk("data: {\"broken\": \n\ndata: no JSON at all\n\n");
  send(&Session::next_frame);
}

void Session::end_stream() {
  out_ = (answer_.as_array ? chunk("]") : std::string()) + "0\r\n\r\n";
  finish(how_it_ends());
  send(&Session::next_request);
}

void Session::send(void (Session::*then)()) {
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this(), then, turn = turn_](error_code error, std::size_t) {
                      if (turn != self->turn_) return;
                      if (!error) return (self.get()->*then)();
                      self->finish(CallEnd::client_gone);
                      self->close();
                    });
}

void Session::after(Duration wait, void (Session::*then)()) {
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this(), then, turn = turn_](error_code error) {
    if (!error && turn == self->turn_ && self->answering_) (self.get()->*then)();
  });
}

void Session::watch() {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this(), turn = turn_](error_code error) {
                       if (error || turn != self->turn_ || !self->answering_) return;
                       error_code gone;
                       if (self->socket_.available(gone) > 0 && !gone) return;  // the next request
                       self->finish(CallEnd::client_gone);
                       self->close();
                     });
}

void Session::finish(CallEnd end) {
  work_.reset();
  if (!std::exchange(answering_, false)) return;
  provider_.ended(answer_.number, end, wall_clock());
}

CallEnd Session::how_it_ends() const {
  if (answer_.status >= 400) return CallEnd::refused;
  const Step& how = answer_.step;
  const bool broken =
      how.end_after || how.fail_after || (answer_.frames.empty() && how.garble_after);
  return broken ? CallEnd::broken : CallEnd::complete;
}

void Session::next_request() {
  if (!keeps_alive_) return close();
  read_head();
}

void Session::close_broken() {
  finish(CallEnd::broken);
  close();
}

void Session::close() {
  timer_.cancel();
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace interlock::endpoint
