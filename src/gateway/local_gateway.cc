#include "gateway/local_gateway.h"

#include <utility>

#include "base/check.h"
#include "gateway/gateway_thread.h"

namespace interlock::gateway {

LocalGateway::LocalGateway(std::unique_ptr<GatewayThread> thread) : thread_(std::move(thread)) {}
LocalGateway::~LocalGateway() = default;

Result<std::unique_ptr<LocalGateway>> LocalGateway::open(Options options) {
  check(options.now && options.chance, "the gateway is given a clock and chance");
  auto thread = GatewayThread::open(std::move(options));
  if (!thread) return std::unexpected(thread.error());
  return std::unique_ptr<LocalGateway>(new LocalGateway(std::move(*thread)));
}

Result<engine::Gateway::Route> LocalGateway::open(const RouteSpec& spec) {
  std::optional<Result<Route>> route;
  thread_->in_thread([&] { route = thread_->open_route(spec); });
  return *route;
}

std::vector<engine::ModelCall> LocalGateway::take_calls() { return thread_->take_reported(); }

std::vector<engine::Gateway::Waiting> LocalGateway::waiting() { return thread_->waiting(); }

std::vector<engine::ModelCall> LocalGateway::close(engine::AttemptName name) {
  std::vector<engine::ModelCall> calls;
  thread_->in_thread([&] { calls = thread_->close_routes(name); });
  return calls;
}

void LocalGateway::set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) {
  thread_->in_thread([&] { thread_->set_run_budget(tokens, usd); });
}

void LocalGateway::hold(bool held) {
  thread_->in_thread([&] {
    thread_->run.pause(held);
    thread_->run_limit_moved();
  });
}

std::vector<engine::BoardCall> LocalGateway::take_board_calls() { return thread_->board().take(); }

void LocalGateway::answer(std::uint64_t call, engine::BoardAnswer answer) {
  thread_->in_thread([&] { thread_->board().answer(call, answer); });
}

std::vector<std::string> LocalGateway::refused_hosts(engine::AttemptName name) {
  std::vector<std::string> hosts;
  thread_->in_thread([&] { hosts = thread_->refused_hosts(name); });
  return hosts;
}

std::vector<std::string> LocalGateway::visited_hosts(engine::AttemptName name) {
  std::vector<std::string> hosts;
  thread_->in_thread([&] { hosts = thread_->visited_hosts(name); });
  return hosts;
}

void LocalGateway::listen(engine::AttemptName name, sys::Descriptor socket) {
  thread_->in_thread([&] { thread_->listen(name, std::move(socket)); });
}

std::uint16_t LocalGateway::port() const { return thread_->port(); }

std::optional<quota::Account::AccountSnapshot> LocalGateway::snapshot(std::string_view quota) {
  std::optional<quota::Account::AccountSnapshot> snapshot;
  thread_->in_thread([&] {
    if (const auto found = thread_->admission->find(quota))
      snapshot = thread_->admission->account(*found).snapshot(quota::now());
  });
  return snapshot;
}

}  // namespace interlock::gateway
