#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "endpoint/provider.h"

namespace interlock::endpoint {

/// One connection of a client, and the answers on it, one after the other. Lives as long as
/// something is under way on it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, Provider& provider);
  void start() { read_head(); }

 private:
  void read_head();
  void read_body();
  void on_request();
  void deliver();
  void send_whole();
  void send_head_of_stream();
  void next_frame();
  void send_frame(const Frame& frame);
  void send_half(const Frame& frame);
  void send_garbage();
  void end_stream();
  /// Sends `out_`, then goes on.
  void send(void (Session::*then)());
  void after(Duration wait, void (Session::*then)());
  /// Works at the answer, slower the more are worked at, and delivers it when it is done.
  void work_on();
  /// From now on the client's leaving is noticed although nothing is read or written.
  void watch();
  void finish(CallEnd end);
  CallEnd how_it_ends() const;
  void next_request();
  void close_broken();
  void close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  Provider& provider_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Answer answer_;
  std::size_t next_ = 0;  ///< Of the frames.
  bool garbled_ = false;
  bool keeps_alive_ = false, only_head_ = false, answering_ = false;
  std::uint64_t turn_ = 0;  ///< Of the requests; what belongs to an earlier one is void.
  std::string out_;
  std::shared_ptr<void> work_;  ///< While it is worked at.
  double work_left_ = 0;        ///< Seconds, alone.
  std::chrono::steady_clock::time_point worked_at_;
};

}  // namespace interlock::endpoint
