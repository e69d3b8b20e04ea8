#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "http/message.h"

// Who may ask the server what. Every page of every site that a person visits can send requests to
// 127.0.0.1, so none is believed for where it comes from alone.
namespace interlock::web {

/// 32 hexadecimal digits that nobody can guess.
std::string draw_secret();

/// What a request may do.
struct Admission {
  int status = 0;       ///< 0: it may; else what it is refused with.
  std::string message;  ///< Why.
};

/// The secrets of one server: they end with it.
class Access {
 public:
  /// `port`: where the page is served; 0: nowhere.
  explicit Access(std::uint16_t port = 0) : port_(port) {}

  /// A link that works once, for a minute.
  std::string new_link(Duration now);
  /// Whether the code was one; then the value of the cookie that opens the page's files.
  std::optional<std::string> take_code(std::string_view code, Duration now);
  /// A bearer, for a page that showed the cookie; the oldest of many is forgotten.
  std::string new_bearer();

  /// Opens `/metrics` and nothing else, as long as the server lives.
  const std::string& metrics_bearer() const { return metrics_; }

  /// A request over TCP. Order: is it meant for this server (421), is it one request (400, 414), a
  /// method we have (405), from our own page (403), and does it show what its path asks for (401):
  /// nothing for `/health` and `/open/...`, the cookie for files and `/api/session`, a bearer for
  /// everything else, for `/metrics` that one too. What changes something says that it is JSON
  /// (415), which no foreign form can.
  Admission over_tcp(const http::Request& request) const;
  /// A request over the Unix socket, whose kernel said who asks: only pages are refused.
  static Admission over_unix(const http::Request& request);

  /// `interlock-PORT`: cookies of all ports of a host are in one jar.
  std::string cookie_name() const;
  std::string origin() const;

 private:
  bool is_own_origin(const std::string& origin) const;
  bool is_own_host(const std::string& host) const;
  bool has_cookie(const http::HeaderList& headers) const;
  bool has_bearer(const http::HeaderList& headers, bool for_metrics) const;
  Admission check_secrets(const http::Request& request, std::string_view path) const;

  std::uint16_t port_;
  std::string cookie_ = draw_secret(), metrics_ = draw_secret();
  std::map<std::string, Duration> codes_;  ///< Until when each works.
  std::vector<std::string> bearers_;       ///< The oldest first.
};

/// The path of a target without its query, and the values of the query's keys, decoded. None: it is
/// malformed, or names a key twice.
struct Target {
  std::vector<std::string> path;  ///< Its parts.
  std::map<std::string, std::string> query;
};
std::optional<Target> parse_target(std::string_view target);

/// What every answer says: nothing may be embedded, sniffed, fetched from elsewhere or run inline.
http::HeaderList security_headers();

}  // namespace interlock::web
