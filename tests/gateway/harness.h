#pragma once

#include <curl/curl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint/endpoint.h"
#include "gateway/local_gateway.h"

// A gateway before a scripted provider, and clients of whom nobody here wrote a line.
namespace interlock::gateway::scenes {

inline constexpr std::string_view kRealKey = "sk-real-key-that-nobody-may-see";

/// A folder that goes with its test, however that ends.
class TempFolder {
 public:
  TempFolder() {
    std::string name = testing::TempDir() + "/gatewayXXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What a client saw.
struct Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string head;
  std::string body;
};

/// One connection of a client.
class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Reply post(const std::string& url, const std::string& body,
             const std::vector<std::string>& headers = {});
  Reply head(const std::string& url);
  /// Leaves as soon as so many bytes of an answer have come.
  void leave_after(std::size_t bytes) { leave_after_ = bytes; }
  /// Called with each piece of the answer.
  std::function<void(std::string_view)> on_bytes;

 private:
  static std::size_t take(char* data, std::size_t size, std::size_t count, void* self);
  Reply perform(const std::string& url, const std::vector<std::string>& headers);

  CURL* curl_;
  Reply reply_;
  std::size_t leave_after_ = std::string::npos;
};

/// A gateway with one provider, `claude`, and a thread-safe view of what it tells.
class World {
 public:
  explicit World(std::string_view script, const std::function<void(Options&)>& change = {});

  /// Opens a route for attempt `attempt` of task `task`.
  engine::Gateway::Route open(const std::function<void(engine::Gateway::RouteSpec&)>& change = {},
                              std::size_t task = 0, std::uint32_t attempt = 1);
  /// Waits until so many more calls were told, and takes them.
  std::vector<engine::ModelCall> calls(std::size_t count);
  engine::ModelCall call() { return calls(1).at(0); }

  endpoint::Endpoint endpoint;

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<engine::ModelCall> calls_;

 public:
  std::unique_ptr<LocalGateway> gateway;  ///< Last: its thread wakes the others.
};

engine::AttemptName attempt_name(std::size_t task, std::uint32_t attempt);
/// A Messages request; `more` is put into the object, as `"system": "..."`.
std::string message(std::string_view prompt, bool streams = true, std::string_view more = "");
/// What the endpoint billed for its nth call, from 0.
Usage billed(const endpoint::Endpoint& endpoint, std::size_t nth);
/// Usage without money.
Usage tokens_of(Usage usage);

}  // namespace interlock::gateway::scenes
