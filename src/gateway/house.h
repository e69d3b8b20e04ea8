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

#include "gateway/call.h"
#include "gateway/local_gateway.h"
#include "gateway/loop.h"
#include "gateway/server.h"
#include "gateway/switchboard.h"

namespace interlock::gateway {

/// What lives in the gateway's thread: the doors, the server, and what is to be told.
class LocalGateway::House final : public Switchboard {
 public:
  static Result<std::unique_ptr<House>> open(Options options);
  ~House() override;

  // In the thread:
  Result<engine::Gateway::Door> open_door(const Wish& wish);
  std::vector<engine::ModelCall> close_doors(engine::AttemptName name);
  void set_run_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd);
  void tell(const engine::ModelCall& call, const Charge& charge) override;

  // From any thread:
  std::vector<engine::ModelCall> take_told();
  /// Does `work` in the thread, and waits for it.
  void in_thread(const std::function<void()>& work);
  std::uint16_t port() const { return server_->port(); }

 private:
  struct Told {
    engine::ModelCall call;
    Charge charge;
  };

  explicit House(Options given);
  Session::HeadVerdict on_head(const Request& request) const;
  void on_request(Session& session, Request request);
  std::shared_ptr<gateway::Door> door_of(std::string_view secret) const;

  std::unique_ptr<Server> server_;
  std::vector<std::shared_ptr<gateway::Door>> doors_;

  std::mutex mutex_;  ///< Of what follows.
  std::vector<Told> told_;

  std::thread thread_;  ///< Last: it uses all the others.
};

}  // namespace interlock::gateway
