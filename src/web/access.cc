#include "web/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "sys/entropy.h"

namespace interlock::web {
namespace {

constexpr std::size_t kLongestTarget = 4096;
constexpr Duration kLinkLives = std::chrono::seconds(60);
constexpr std::size_t kBearersMax = 64;
constexpr std::size_t kCodesMax = 16;

/// Takes as long whether the first or the last byte differs.
bool is_same(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference = static_cast<unsigned char>(difference | (one[i] ^ other[i]));
  return difference == 0;
}

std::size_t count_of(const http::HeaderList& headers, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers, [&](const http::Header& one) { return http::is_same_name(one.first, name); }));
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    made += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return made;
}

}  // namespace

std::string draw_secret() { return sys::random_hex(16); }

std::string Access::new_link(Duration now) {
  std::erase_if(codes_, [&](const auto& one) { return one.second < now; });
  if (codes_.size() >= kCodesMax) codes_.clear();
  const std::string code = draw_secret();
  codes_[code] = now + kLinkLives;
  return fmt::format("{}/open/{}", origin(), code);
}

std::optional<std::string> Access::take_code(std::string_view code, Duration now) {
  for (auto it = codes_.begin(); it != codes_.end(); ++it) {
    if (!is_same(it->first, code)) continue;
    const bool in_time = now <= it->second;
    codes_.erase(it);
    return in_time ? std::optional(cookie_) : std::nullopt;
  }
  return std::nullopt;
}

std::string Access::new_bearer() {
  if (bearers_.size() >= kBearersMax) bearers_.erase(bearers_.begin());
  return bearers_.emplace_back(draw_secret());
}

std::string Access::cookie_name() const { return fmt::format("interlock-{}", port_); }
std::string Access::origin() const { return fmt::format("http://127.0.0.1:{}", port_); }

bool Access::is_own_host(const std::string& host) const {
  return port_ != 0 &&
         (host == fmt::format("127.0.0.1:{}", port_) || host == fmt::format("localhost:{}", port_));
}

bool Access::is_own_origin(const std::string& origin) const {
  return origin.starts_with("http://") && is_own_host(origin.substr(7));
}

bool Access::has_cookie(const http::HeaderList& headers) const {
  const std::string* jar = http::find_header(headers, "cookie");
  std::string_view rest = jar == nullptr ? "" : std::string_view(*jar);
  const std::string name = cookie_name() + "=";
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && is_same(one.substr(name.size()), cookie_)) return true;
  }
  return false;
}

bool Access::has_bearer(const http::HeaderList& headers, bool for_metrics) const {
  const std::string* shown = http::find_header(headers, "authorization");
  if (shown == nullptr || !shown->starts_with("Bearer ")) return false;
  const std::string_view secret = std::string_view(*shown).substr(7);
  bool found = for_metrics && is_same(metrics_, secret);
  for (const std::string& one : bearers_) found |= is_same(one, secret);
  return found;
}

Admission Access::over_tcp(const http::Request& request) const {
  const http::HeaderList& headers = request.headers;
  const std::string* host = http::find_header(headers, "host");
  if (host == nullptr || count_of(headers, "host") != 1 || !is_own_host(*host))
    return {421, "this server answers to 127.0.0.1 only"};
  for (const std::string_view name : {"origin", "authorization", "content-type", "cookie"}) {
    if (count_of(headers, name) > 1) return {400, fmt::format("`{}` is there twice", name)};
  }
  if (request.target.size() > kLongestTarget) return {414, "the path is too long"};
  if (request.method != "GET" && request.method != "POST") return {405, "GET and POST only"};
  const std::string* origin = http::find_header(headers, "origin");
  if (origin != nullptr && !is_own_origin(*origin)) return {403, "asked by another page"};
  const std::string* site = http::find_header(headers, "sec-fetch-site");
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  if (path == "/health" && request.method == "GET") return {};
  // Links are opened from a terminal or a mail: a browser says `none` or `cross-site` then.
  if (path.starts_with("/open/") && request.method == "GET") return {};
  if (site != nullptr && *site != "same-origin" && *site != "none" && path != "/")
    return {403, "asked by another page"};
  if (request.method == "POST") {
    if (origin == nullptr && site != nullptr) return {403, "a page says where it is from"};
    const std::string* type = http::find_header(headers, "content-type");
    if (type == nullptr || *type != "application/json") return {415, "send application/json"};
  }
  return check_secrets(request, path);
}

Admission Access::check_secrets(const http::Request& request, std::string_view path) const {
  const bool is_metrics = path == "/metrics";
  const bool is_api = is_metrics || (path.starts_with("/api/") && path != "/api/session");
  if (is_api && !has_bearer(request.headers, is_metrics)) return {401, "no bearer, or an old one"};
  if (!is_api && !has_cookie(request.headers))
    return {401, "open the page by a link: `interlock serve --link` makes one"};
  return {};
}

Admission Access::over_unix(const http::Request& request) {
  for (const std::string_view name : {"origin", "referer", "sec-fetch-site"}) {
    if (count_of(request.headers, name) > 0) return {403, "pages have no business here"};
  }
  if (request.target.size() > kLongestTarget) return {414, "the path is too long"};
  if (request.method != "GET" && request.method != "POST") return {405, "GET and POST only"};
  return {};
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  const std::size_t question = text.find('?');
  std::string_view path = text.substr(0, question);
  while (!path.empty()) {
    path.remove_prefix(1);  // The slash.
    const auto part = decoded(path.substr(0, path.find('/')));
    if (!part) return std::nullopt;
    target.path.push_back(*part);
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  std::string_view query = question == std::string_view::npos ? "" : text.substr(question + 1);
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    const auto key = decoded(one.substr(0, equals));
    const auto value = decoded(one.substr(std::min(equals + 1, one.size())));
    if (!key || !value || !target.query.emplace(*key, *value).second) return std::nullopt;
  }
  return target;
}

http::HeaderList security_headers() {
  return {{"content-security-policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
           "'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
           "require-trusted-types-for 'script'; trusted-types 'none'"},
          {"x-content-type-options", "nosniff"},
          {"cross-origin-opener-policy", "same-origin"},
          {"cross-origin-resource-policy", "same-origin"},
          {"permissions-policy", "camera=(), geolocation=(), microphone=()"},
          {"x-frame-options", "DENY"},
          {"referrer-policy", "no-referrer"}};
}

}  // namespace interlock::web
