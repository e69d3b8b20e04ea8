#pragma once

#include <functional>
#include <optional>

#include "web/web_server.h"

namespace interlock::web {

struct WebServer::Stream : http::Answerer {
  static constexpr std::chrono::seconds kPatience{10};   ///< With a client that reads nothing.
  static constexpr std::chrono::seconds kPingAfter{15};  ///< So that a dead connection is noticed.

  void client_left() override {
    session = nullptr;
    on_left();
  }
  void client_ready() override {}

  http::Session* session = nullptr;
  WatchedRun* watched = nullptr;
  std::uint64_t sent = 0;  ///< 0: nothing yet, or it has to begin anew.
  sys::Loop::Moment written{};
  std::optional<sys::Loop::Moment> behind_since;
  std::function<void()> on_left;
};

}  // namespace interlock::web
