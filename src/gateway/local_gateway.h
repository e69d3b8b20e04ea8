#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/gateway.h"
#include "gateway/options.h"
#include "sys/descriptor.h"

namespace interlock::gateway {

/// The gateway for real: an HTTP server on 127.0.0.1 with a thread of its own, which runs
/// everything. The port's methods hand their work over to it and wait until it is done, which takes
/// no longer than what the thread is just doing: it waits for nothing but the loop.
///
/// What passes through and what is changed: docs/gateway.md.
class LocalGateway final : public engine::Gateway {
 public:
  static Result<std::unique_ptr<LocalGateway>> open(Options options);
  /// Ends all calls; they are told to nobody.
  ~LocalGateway() override;
  LocalGateway(LocalGateway&&) = delete;

  Result<Route> open(const RouteSpec& spec) override;
  std::vector<engine::ModelCall> take_calls() override;
  std::vector<Waiting> waiting() override;
  std::vector<engine::ModelCall> close(engine::AttemptName name) override;
  void set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) override;
  void hold(bool held) override;
  std::vector<engine::BoardCall> take_board_calls() override;
  void answer(std::uint64_t call, engine::BoardAnswer answer) override;

  std::vector<std::string> refused_hosts(engine::AttemptName name) override;
  std::vector<std::string> visited_hosts(engine::AttemptName name) override;
  /// The attempt has a network of its own, and `socket` listens in it at this gateway's port.
  /// Nobody else can come in by it; it is closed with the attempt's routes.
  void listen(engine::AttemptName name, sys::Descriptor socket);

  std::uint16_t port() const;
  /// How the quota stands, for people; nothing: there is none of that name.
  std::optional<quota::Account::AccountSnapshot> snapshot(std::string_view quota);

 private:
  class GatewayThread;
  explicit LocalGateway(std::unique_ptr<GatewayThread> thread_);

  std::unique_ptr<GatewayThread> thread_;
};

}  // namespace interlock::gateway
