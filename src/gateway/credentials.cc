#include "gateway/credentials.h"

#include <algorithm>
#include <array>
#include <optional>

namespace interlock::gateway {
namespace {

constexpr std::array<std::string_view, 5> kCredentials{"x-api-key", "authorization",
                                                       "x-goog-api-key", "api-key", "cookie"};

std::string_view connection_of(const http::HeaderList& headers) {
  const std::string* const connection = http::find_header(headers, "connection");
  return connection != nullptr ? std::string_view(*connection) : std::string_view();
}

/// The value with the key in the secret's place; nothing: there is no key, so nothing is shown.
std::optional<std::string> with_key(const std::string& value, std::string_view secret,
                                    const Secret& key) {
  constexpr std::string_view kBearer = "bearer ";
  const bool is_bearer =
      value.size() > kBearer.size() &&
      http::is_same_name(std::string_view(value).substr(0, kBearer.size()), kBearer);
  const std::string_view shown = std::string_view(value).substr(is_bearer ? kBearer.size() : 0);
  if (!is_same_secret(shown, secret)) return value;
  if (!key.is_set()) return {};
  return value.substr(0, value.size() - shown.size()) + key.reveal();
}

}  // namespace

Target part_target(std::string_view target) {
  target.remove_prefix(std::min<std::size_t>(1, target.size()));
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  return {target.substr(0, end), std::string(target.substr(end))};
}

bool is_credential(std::string_view name) {
  return std::ranges::any_of(kCredentials,
                             [&](auto known) { return http::is_same_name(name, known); });
}

http::HeaderList headers_for_upstream(const http::HeaderList& headers, std::string_view secret,
                                      const Secret& key) {
  // The last three would make another request of the one that was judged.
  constexpr std::array<std::string_view, 7> kOurs{
      "host",          "content-length",   "expect", "accept-encoding", "x-http-method-override",
      "x-http-method", "x-method-override"};
  const std::string_view connection = connection_of(headers);
  http::HeaderList sent;
  for (const auto& [name, value] : headers) {
    const bool is_ours =
        std::ranges::any_of(kOurs, [&](auto ours) { return http::is_same_name(name, ours); });
    if (is_ours || http::is_hop_by_hop(name, connection)) continue;
    if (!is_credential(name)) {
      sent.emplace_back(name, value);
    } else if (auto shown = with_key(value, secret, key)) {
      sent.emplace_back(name, std::move(*shown));
    }
  }
  return sent;
}

std::string rest_for_upstream(std::string rest, std::string_view secret, const Secret& key) {
  for (const std::string_view name : {"?key=", "&key="}) {
    const std::size_t at = rest.find(name);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + name.size();
    const std::size_t end = std::min(rest.find('&', begin), rest.size());
    if (is_same_secret(std::string_view(rest).substr(begin, end - begin), secret))
      rest.replace(begin, end - begin, key.reveal());
  }
  return rest;
}

http::HeaderList headers_for_client(const http::HeaderList& headers) {
  const std::string_view connection = connection_of(headers);
  http::HeaderList passed;
  for (const auto& [name, value] : headers) {
    if (http::is_same_name(name, "content-length") || http::is_hop_by_hop(name, connection))
      continue;
    passed.emplace_back(name, value);
  }
  return passed;
}

}  // namespace interlock::gateway
