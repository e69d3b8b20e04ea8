#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "endpoint/books.h"
#include "endpoint/script.h"

namespace interlock::endpoint {

/// A model endpoint on 127.0.0.1, in a thread of its own, until it is destroyed. Speaks Anthropic
/// Messages, OpenAI Chat Completions and Responses, and Gemini generateContent, by a script. What
/// stands before `/v1` in a path is the call's label: `http://127.0.0.1:PORT/mine/v1/messages`.
class Endpoint {
 public:
  /// `port` 0: any that is free.
  explicit Endpoint(Script script, std::uint16_t port = 0);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  std::uint16_t port() const;
  /// `http://127.0.0.1:PORT`, without a version part.
  std::string base_url() const;

  std::vector<Entry> entries() const;
  /// As `GET /books` tells it.
  json::object books() const;
  /// Until it holds of the books, or `patience` is over: whether it held.
  bool wait_until(const std::function<bool(const std::vector<Entry>&)>& holds,
                  Duration patience = std::chrono::seconds(20)) const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace interlock::endpoint
