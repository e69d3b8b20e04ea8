#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "gateway/http.h"
#include "gateway/loop.h"

namespace interlock::gateway {

/// How providers are reached. Nothing of it is read from the environment here.
struct Network {
  std::string ca_file;      ///< PEM; empty: the system's.
  std::string http_proxy;   ///< For `http://` upstreams; empty: none.
  std::string https_proxy;  ///< For `https://` upstreams, by CONNECT.
  std::string no_proxy;     ///< Hosts, separated by commas.
  Duration connect_timeout = std::chrono::seconds(30);
};

/// One request to a provider. The body is not copied: it must stay while the transfer lasts.
struct Outgoing {
  std::string method;
  std::string url;
  HeaderList headers;
  std::string_view body;
};

/// Who takes an answer.
class AnswerTaker {
 public:
  virtual ~AnswerTaker() = default;
  virtual void on_head(int status, HeaderList headers) = 0;
  /// False: not now; the same bytes come again after `Transfer::resume`.
  virtual bool on_bytes(std::string_view bytes) = 0;
  /// Over; the transfer does nothing any more. An error when the answer did not come whole:
  /// `refused` where trying again is in vain.
  virtual void on_done(Result<void> how) = 0;
};

class Upstream;

/// A request on its way. Destroying it aborts it; not from within `on_head` or `on_bytes`.
class Transfer {
 public:
  ~Transfer();
  Transfer(Transfer&&) = delete;

  void resume();
  /// Whether anything of the request went out: then nobody knows whether it was acted on.
  bool was_sent() const;

 private:
  friend Upstream;
  Transfer(Upstream& upstream, AnswerTaker& taker, const Outgoing& request);

  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_bytes(char* data, std::size_t size, std::size_t count, void* self);
  void set_options(const Outgoing& request);
  bool is_kept_out() const;
  void finish(CURLcode code);
  void report_head();

  Upstream& upstream_;
  AnswerTaker& taker_;
  CURL* easy_;
  curl_slist* sent_headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};  // NOLINT(*-avoid-c-arrays): as curl wants it
  HeaderList headers_;
  int status_ = 0;
  bool is_head_reported_ = false;
  bool is_paused_ = false;
  bool is_in_multi_ = false;
};

/// libcurl's multi interface in our loop: connections are kept and used again, HTTP/2 is spoken
/// where TLS agrees on it. Answers are asked for unpacked (`identity`), for they are read on their
/// way.
class Upstream {
 public:
  Upstream(Loop& loop, Network network);
  ~Upstream();
  Upstream(Upstream&&) = delete;

  std::unique_ptr<Transfer> start(const Outgoing& request, AnswerTaker& taker);

 private:
  friend Transfer;

  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  static int on_close(void* self, curl_socket_t socket);
  void act(curl_socket_t socket, int events);
  void report_finished();
  CURL* take_handle();
  void give_back(CURL* easy);

  Loop& loop_;
  Network network_;
  CURLM* multi_;
  Loop::Timer timer_;
  std::vector<CURL*> spare_;
  /// What each socket is watched for; 0: curl has put it by, and it is likely to come back.
  std::unordered_map<curl_socket_t, std::uint32_t> interests_;
};

}  // namespace interlock::gateway
