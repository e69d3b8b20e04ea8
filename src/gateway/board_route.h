#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gateway.h"
#include "http/session.h"

namespace interlock::gateway {

/// Where attempts ask the board: `POST` and `GET /SECRET/interlock/board/TOPIC`. Requests wait here
/// until the dispatcher has answered them.
class BoardRoute {
 public:
  /// `wake`: there is something to take.
  explicit BoardRoute(std::function<void()> wake) : wake_(std::move(wake)) {}

  // In the gateway's thread:

  /// Whether a path, behind the secret, is one of the board's.
  static bool is_for_board(std::string_view path);
  void ask(http::Session& session, engine::AttemptName name, const http::Request& request,
           std::string_view path, std::string text);
  void answer(std::uint64_t id, const engine::BoardAnswer& answer);
  /// Nothing of this attempt is answered any more.
  void close(engine::AttemptName name);
  void clear() { open_.clear(); }

  // From any thread:
  std::vector<engine::BoardCall> take();

 private:
  /// A request that is not answered yet.
  struct OpenCall final : public http::Answerer {
    http::Session* session = nullptr;  ///< Null: its client has gone.
    engine::AttemptName name{TaskId(0), 1, 0};

    void client_left() override { session = nullptr; }
    void client_ready() override {}
  };

  std::function<void()> wake_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::unique_ptr<OpenCall>> open_;
  std::mutex mutex_;  ///< Of what follows.
  std::vector<engine::BoardCall> untaken_;
};

}  // namespace interlock::gateway
