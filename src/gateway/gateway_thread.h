#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/board_route.h"
#include "gateway/gateway_state.h"
#include "gateway/local_gateway.h"
#include "gateway/proxied_call.h"
#include "http/server.h"
#include "sys/loop.h"

namespace interlock::gateway {

/// What lives in the gateway's thread: the routes, the server, and what is to be told.
class LocalGateway::GatewayThread final : public GatewayState {
 public:
  static Result<std::unique_ptr<GatewayThread>> open(Options options);
  ~GatewayThread() override;

  // In the thread:
  Result<engine::Gateway::Route> open_route(const RouteSpec& spec);
  std::vector<engine::ModelCall> close_routes(engine::AttemptName name);
  void listen(engine::AttemptName name, sys::Descriptor socket);
  std::vector<std::string> refused_hosts(engine::AttemptName name) const;
  std::vector<std::string> visited_hosts(engine::AttemptName name) const;
  void set_run_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd);
  void report(const engine::ModelCall& call, const Charge& charge) override;
  void report_waiting(CallId call, const std::optional<engine::Gateway::Waiting>& waiting) override;

  // From any thread:
  std::vector<engine::ModelCall> take_reported();
  std::vector<engine::Gateway::Waiting> waiting();
  /// Does `work` in the thread, and waits for it.
  void in_thread(const std::function<void()>& work);
  std::uint16_t port() const { return server_->port(); }
  BoardRoute& board() { return board_; }

 private:
  struct ReportedCall {
    engine::ModelCall call;
    Charge charge;
  };

  explicit GatewayThread(Options given);
  http::Session::HeadVerdict on_head(const http::Request& request) const;
  http::Session::HeadVerdict on_connect(const http::Request& request) const;
  void on_request(http::Session& session, http::Request request);
  void connect_through(http::Session& session, const http::Request& request);
  std::shared_ptr<gateway::AttemptRoute> route_of(std::string_view secret) const;
  std::shared_ptr<gateway::AttemptRoute> route_in(std::uint64_t listener) const;

  std::unique_ptr<http::Server> server_;
  BoardRoute board_;
  std::vector<std::shared_ptr<gateway::AttemptRoute>> routes_;

  std::mutex mutex_;  ///< Of what follows.
  std::vector<ReportedCall> reported_;
  std::map<CallId, engine::Gateway::Waiting> waiting_;

  std::thread thread_;  ///< Last: it uses all the others.
};

}  // namespace interlock::gateway
