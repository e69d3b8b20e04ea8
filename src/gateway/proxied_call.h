#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/gateway.h"
#include "gateway/admission.h"
#include "gateway/budget.h"
#include "gateway/gateway_state.h"
#include "gateway/http.h"
#include "gateway/recording.h"
#include "gateway/session.h"
#include "gateway/upstream.h"
#include "metering/model_call.h"

namespace interlock::gateway {

bool is_event_stream(const HeaderList& headers);
/// What a client's attempt makes of a provider's no.
agents::Failure failure_for(metering::Refusal::Kind kind);

/// One request of a client, from its arrival to its end.
///
///     arrived --fits the budgets--> following --lead's first token--> in_line --admitted-->
///     sending
///                                       ^                                                      |
///                                       |                                           first byte |
///                                   backing_off <--429, 5xx, no answer, nothing passed on--.   v
///                                                                                          passing
///     Each goes to `over`: answered, refused, cut off, out of time, client gone, door closed.
class ProxiedCall final : public Answerer, public AnswerTaker, public Admission::Seeker {
 public:
  /// `asked`: nothing for what is no model call; it is passed on and not told.
  ProxiedCall(GatewayState& board, std::shared_ptr<AttemptRoute> route, Session& session,
              Request request, std::string rest, std::optional<metering::Asked> asked, CallId id);
  ~ProxiedCall() override;

  /// May be over when it returns.
  void begin();
  /// The lead's answer has begun, or this one leads now.
  void go_ahead();
  /// The attempt is over.
  void close();

  const AttemptRoute& route() const { return *route_; }
  /// What of the budgets it holds; nothing when it is over.
  Charge reserved() const { return state_ == State::over ? Charge() : reserved_; }

  void client_left() override;
  void client_ready() override;
  void on_head(int status, HeaderList headers) override;
  bool on_bytes(std::string_view bytes) override;
  void on_done(Result<void> how) override;
  void admitted(std::vector<Admission::Held> held) override;
  void deferred(const QuotaOption& quota, std::optional<quota::Moment> until) override;
  void turned_away(const QuotaOption& quota, bool is_spent) override;

 private:
  enum class State : unsigned char {
    arrived,
    following,
    in_line,
    sending,
    passing,
    backing_off,
    over
  };

  // call.cc: the way out.
  void set_out();
  bool is_reported() const { return asked_ && asked_->billed; }
  bool fits_budgets();
  void estimate();
  void follow();
  void stand_in_line();
  std::vector<Admission::Want> wants() const;
  void send();
  void watch_clock();
  void on_deadline();
  void on_stall();
  std::optional<Loop::Moment> deadline() const;
  bool leads_pay() const;
  void waits_for(std::string on, std::optional<Loop::Moment> until = {});
  void waits_no_more();

  // call_brakes.cc: what keeps an attempt that runs away.
  bool passes_brakes();
  void note_for_brakes(std::optional<MicroUsd> spent);

  // call_answer.cc: the way back.
  void begin_passing();
  void pass(std::string_view bytes);
  void give(std::string_view bytes);
  bool holds_back() const;
  void on_refused();
  void report_spent(const metering::Refusal& refusal);
  void on_broken(const Error& error);
  void try_again(const metering::Refusal& why, bool is_asked_to_wait);
  bool ask_without_usage(const metering::Refusal& refusal);
  std::string usage_key() const;
  void finish_passing();
  std::string what_is_missing() const;
  metering::Refusal read_refusal() const;

  // call_replay.cc: answers that need no provider.
  bool replay();
  void answer_recorded(const Recording& recording);
  void judge_recorded(const Recording& recording);
  void keep_recording();
  KnownRequest known() const;

  // call_ending.cc: the end.
  void release(const quota::Cost* actual);
  quota::Cost cost_of(const Usage& usage, const Admission::Held& held) const;
  void end(engine::CallEnd end, std::string detail);
  void end_answered();
  void refuse(engine::CallEnd end, const metering::Refusal& refusal);
  void settle_usage(engine::CallEnd end);
  Charge charge_of(const Usage& usage) const;
  void learn();
  std::string without_secrets(std::string text) const;

  GatewayState& board_;
  std::shared_ptr<AttemptRoute> route_;
  Session* session_;  ///< Null once the client is gone or answered.
  Request request_;
  std::string rest_;
  std::optional<metering::Asked> asked_;
  CallId id_;
  State state_ = State::arrived;
  engine::ModelCall reported_;

  Time began_{};
  Loop::Moment waiting_since_{};
  std::uint64_t ticket_ = 0;
  Tokens input_estimate_ = 0;
  Tokens output_estimate_ = 0;
  Charge reserved_;
  Digest prefix_;
  bool shares_prefix_ = false;
  std::vector<Admission::Held> held_;

  std::optional<std::string> asking_;  ///< The body that asks for usage, where the client does not.
  bool is_asking_ = false;             ///< It is what was sent.
  std::unique_ptr<Transfer> transfer_;
  Loop::Timer clock_;
  Loop::Timer stall_;
  Loop::Timer notice_;  ///< When a wait is long enough to be told of.
  bool waits_reported_ = false;
  std::optional<Loop::Moment> waits_reported_until_;
  Loop::Moment last_heard_{};

  int status_ = 0;
  HeaderList headers_;
  std::optional<metering::AnswerReader> reader_;
  std::optional<metering::UsageEventFilter> filter_;
  RedactedStream redacted_;
  bool is_sent_ = false;                    ///< The provider may have acted on it.
  bool is_filled_ = false;                  ///< `leads` knows that the prompt was read.
  std::optional<agents::Failure> failure_;  ///< Set where more is known than how it ended.
  std::string
      unpassed_;  ///< Came, but is not the client's yet: an error's body, or an error first.
  std::string recorded_;
  std::vector<std::size_t> chunks_;
  std::uint32_t ordinal_ = 0;
  std::uint32_t nth_ = 0;
};

}  // namespace interlock::gateway
