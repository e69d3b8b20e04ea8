#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "http/message.h"
#include "sys/descriptor.h"
#include "sys/loop.h"

namespace interlock::http {

/// Who answers one request, as its client's connection sees it.
class Answerer {
 public:
  virtual ~Answerer() = default;
  /// The client is gone: nothing can be answered any more.
  virtual void client_left() = 0;
  /// The client took what was written: there is room again.
  virtual void client_ready() = 0;
};

/// One client's connection: reads requests one after another, writes their answers.
///
///     reading --whole request--> answering --finish--> reading
///        |                          |
///        '----------> closed <------'        (client left, nonsense, break_off)
class Session {
 public:
  struct Rules {
    std::size_t largest_body = std::size_t{64} << 20U;
    std::size_t largest_head = std::size_t{64} << 10U;
    /// More than that unsent, and the client is behind.
    std::size_t most_unsent = std::size_t{256} << 10U;
    // How long is waited for what comes next: the first byte of a stranger, the next request of one
    // who is known, the rest of a head, the next byte of a body.
    Duration stranger = std::chrono::seconds(10);
    Duration idle = std::chrono::minutes(5);
    Duration head = std::chrono::seconds(10);
    Duration body = std::chrono::seconds(30);
    std::size_t most_strangers = 64;  ///< Connections; the oldest goes for the newest.
    std::size_t most_sessions = 0;    ///< Connections, all together; 0: no bound.
    HeaderList headers;               ///< Of every answer, refusals included.
  };
  /// What becomes of a request, known from its head alone.
  struct HeadVerdict {
    int status = 0;       ///< 0: its body is taken in, and it is given to `on_request`.
    std::string message;  ///< Else why not.
    bool is_stranger = false;
    BodyRoom room;
  };
  using OnHead = std::function<HeadVerdict(const Request&)>;
  using OnRequest = std::function<void(Session&, Request)>;
  /// After it the session may be destroyed (not from within).
  using OnClosed = std::function<void(Session&)>;

  Session(sys::Loop& loop, sys::Descriptor socket, const Rules& rules, OnHead on_head,
          OnRequest on_request, OnClosed on_closed, std::uint64_t listener = 0);
  ~Session();
  Session(Session&&) = delete;

  /// Between `on_request` and `finish` or `break_off`; null: nobody wants to know.
  void answered_by(Answerer* answerer) { answerer_ = answerer; }

  /// `headers` without framing. `length`: of the body, where it is known.
  void begin(int status, HeaderList headers, std::optional<std::uint64_t> length);
  /// Goes out before the loop waits again, as far as the client takes it.
  void write(std::string_view bytes);
  void finish();
  /// Instead of an answer: takes the connection out of these hands. `unread`: what came behind the
  /// request. The session is closed. Nothing, where earlier answers were not taken.
  sys::Descriptor hand_over(std::string& unread);
  /// Ends the connection, so that the client sees an answer that broke.
  void break_off();
  /// A whole answer.
  void answer(int status, HeaderList headers, std::string_view body);

  bool is_behind() const { return out_.size() - sent_ > rules_.most_unsent; }
  bool is_closed() const { return !socket_; }
  /// No request of its has shown a secret, or the last one did not.
  bool is_stranger() const { return is_stranger_; }
  /// Without a word.
  void close();

 private:
  enum class State : unsigned char { head, body, answering };

  void on_ready(std::uint32_t events);
  void read_some();
  void advance();
  bool take_head();
  bool take_body();
  bool take_content();
  bool take_refused();
  void refuse(int status, const std::string& message);
  std::optional<sys::Loop::Moment> due() const;
  void watch_clock();
  void on_clock();
  void flush();
  void flush_soon();
  void after_flush();
  void notify_when_ready();
  void set_interest();

  sys::Loop& loop_;
  sys::Descriptor socket_;
  const Rules& rules_;
  OnHead on_head_;
  OnRequest on_request_;
  OnClosed on_closed_;
  std::uint64_t listener_;
  Answerer* answerer_ = nullptr;

  State state_ = State::head;
  bool is_advancing_ = false;
  std::string in_;
  std::size_t looked_at_ = 0;  ///< So far no empty line was found.
  Request request_;
  BodyFraming framing_;
  ChunkReader chunks_;
  std::optional<HeadVerdict> refused_;  ///< What of the body still comes is dropped.
  std::uint64_t to_drop_ = 0;
  bool is_stranger_ = true;

  sys::Loop::Timer clock_;
  sys::Loop::Moment clock_due_{};
  sys::Loop::Moment since_{};  ///< Of the head, or of the silence before it.
  sys::Loop::Moment last_read_{};

  std::string out_;
  std::size_t sent_ = 0;
  bool chunks_out_ = false;
  bool is_without_body_ = false;
  bool closes_after_ = false;
  bool was_behind_ = false;
  bool is_flush_due_ = false;
  std::uint32_t interest_ = 0;
};

}  // namespace interlock::http
