#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gateway.h"

namespace interlock::testing_support {

/// A gateway without a network: whoever plays the agent makes the calls. Its books outlive
/// dispatchers, as a provider's do.
class FakeGateway final : public engine::Gateway {
 public:
  /// Called with the name of the call at the beginning of each; what it throws goes through: a
  /// crash between two calls.
  std::function<void(std::string_view call)> before_call;

  /// The agent asks a model. Over budget, or through a closed door, nothing is used.
  engine::CallEnd ask(engine::AttemptName name, const Usage& usage,
                      engine::CallEnd end = engine::CallEnd::answered,
                      std::optional<agents::Failure> failure = {});
  /// Asks for an answer that does not come before the route is closed. `expected` is held of the
  /// budgets.
  engine::CallEnd begin(engine::AttemptName name, const Usage& expected);
  /// Whose door this is the secret of; nothing: of none that is open.
  std::optional<engine::AttemptName> behind(std::string_view secret) const;
  /// What was taken so far is in the journal.
  void made_durable() { taken_.clear(); }
  /// The dispatcher dies: routes close, and calls that did not come into the journal are told
  /// nobody.
  void crash();

  /// The tokens that the provider told of, by task: over all attempts and dispatchers.
  const std::map<TaskId, Tokens>& books() const { return books_; }
  /// Of that, what no dispatcher was told, because it died first.
  const std::map<TaskId, Tokens>& unreported() const { return unreported_; }
  bool is_open(engine::AttemptName name) const { return routes_.contains(name); }
  bool all_closed() const { return routes_.empty(); }
  const RouteSpec& wish_of(engine::AttemptName name) const { return routes_.at(name).spec; }

  /// An attempt asks the board; nothing, where its route is closed.
  void ask_board(engine::AttemptName name, bool posts, std::string topic, std::string text);
  /// Called with what an attempt asked, and what it was answered.
  std::function<void(const engine::BoardCall&, const engine::BoardAnswer&)> on_board_answer;

  Result<Route> open(const RouteSpec& spec) override;
  std::vector<engine::BoardCall> take_board_calls() override;
  void answer(std::uint64_t call, engine::BoardAnswer answer) override;
  std::vector<engine::ModelCall> take_calls() override;
  std::vector<engine::ModelCall> close(engine::AttemptName name) override;
  void set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) override;
  void hold(bool held) override { is_held = held; }

  bool is_held = false;  ///< As the engine said last.

 private:
  struct Open {
    RouteSpec spec;
    std::string secret;
    std::uint32_t calls = 0;
    Tokens used = 0;
    MicroUsd spent = 0;
    std::vector<Usage> running{};  ///< Expected, of what has not ended yet.
  };
  engine::ModelCall& tell(Open& route, engine::CallEnd end, const Usage& usage);
  void charge(Open& route, const Usage& usage);
  void call(std::string_view name) const {
    if (before_call) before_call(name);
  }
  bool fits(const Open& route, const Usage& usage) const;
  bool fits_run(const Usage& usage) const;
  engine::CallEnd refuse(Open& route, const Usage& usage);

  std::map<engine::AttemptName, Open> routes_;
  std::uint64_t board_calls_ = 0;
  std::vector<engine::BoardCall> untaken_board_calls_;
  std::map<std::uint64_t, engine::BoardCall> open_board_calls_;
  std::uint32_t opened_ = 0;
  std::vector<engine::ModelCall> untaken_;
  std::vector<engine::ModelCall> taken_;  ///< And not durable yet.
  std::optional<Tokens> tokens_left_;
  std::optional<MicroUsd> usd_left_;
  std::map<TaskId, Tokens> books_;
  std::map<TaskId, Tokens> unreported_;
};

/// What is known of it.
Tokens known_tokens(const Usage& usage);

}  // namespace interlock::testing_support
