#include "schema/format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>

#include "schema/pattern.h"

namespace interlock::schema {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Whether `text` looks like `shape`, in which 9 stands for any digit.
bool has_shape(std::string_view text, std::string_view shape) {
  return std::ranges::equal(text, shape,
                            [](char c, char s) { return s == '9' ? is_digit(c) : c == s; });
}

int number_at(std::string_view text, std::size_t from, std::size_t digits) {
  int value = 0;
  std::from_chars(text.data() + from, text.data() + from + digits, value);
  return value;
}

bool is_date(std::string_view text) {
  if (!has_shape(text, "9999-99-99")) return false;
  const std::chrono::year_month_day date(
      std::chrono::year(number_at(text, 0, 4)),
      std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2))));
  return date.ok();
}

bool is_time(std::string_view text) {
  if (text.size() < 9 || !has_shape(text.substr(0, 8), "99:99:99")) return false;
  const int hour = number_at(text, 0, 2), minute = number_at(text, 3, 2),
            second = number_at(text, 6, 2);
  text.remove_prefix(8);
  if (text.front() == '.') {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end == 1) return false;
    text.remove_prefix(end);
  }
  int offset = 0;
  if (text != "Z" && text != "z") {
    if (!has_shape(text, "+99:99") && !has_shape(text, "-99:99")) return false;
    if (number_at(text, 1, 2) > 23 || number_at(text, 4, 2) > 59) return false;
    offset = (number_at(text, 1, 2) * 60 + number_at(text, 4, 2)) * (text.front() == '-' ? -1 : 1);
  }
  if (hour > 23 || minute > 59 || second > 60) return false;
  // A leap second comes at the end of a day in UTC.
  const int day = 24 * 60;
  return second < 60 || ((hour * 60 + minute - offset) % day + day) % day == day - 1;
}

bool is_date_time(std::string_view text) {
  return text.size() > 11 && is_date(text.substr(0, 10)) && (text[10] == 'T' || text[10] == 't') &&
         is_time(text.substr(11));
}

bool is_ip(std::string_view text, int family) {
  std::array<unsigned char, 16> address{};
  return text.find('\0') == std::string_view::npos &&
         ::inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-') return false;
      continue;
    }
    const std::size_t length = i - label;
    if (length == 0 || length > 63 || text[label] == '-' || text[i - 1] == '-') return false;
    label = i + 1;
  }
  return true;
}

bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  std::string_view domain = text.substr(at + 1);
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(local, fits) || local.front() == '.' || local.back() == '.' ||
      local.find("..") != std::string_view::npos)
    return false;
  if (!domain.starts_with('[') || !domain.ends_with(']') || domain.size() < 2)
    return is_host_name(domain);
  domain = domain.substr(1, domain.size() - 2);
  return domain.starts_with("IPv6:") ? is_ip(domain.substr(5), AF_INET6) : is_ip(domain, AF_INET);
}

bool is_port(std::string_view text) { return std::ranges::all_of(text, is_digit); }

/// `user@host:port`, the host a name, an address or `[...]`.
bool is_authority(std::string_view text) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (text.substr(0, at).find_first_of("[]@") != std::string_view::npos) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ip(text.substr(1, close - 1), AF_INET6))
      return false;
    text.remove_prefix(close + 1);
    return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (text.find_first_of("[]") != std::string_view::npos) return false;
  return colon == std::string_view::npos || is_port(text.substr(colon + 1));
}

bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
  const auto in_scheme = [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  if (!std::ranges::all_of(text.substr(0, colon), in_scheme)) return false;
  std::string_view rest = text.substr(colon + 1);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const bool escaped =
        rest[i] == '%' && i + 2 < rest.size() && is_hex(rest[i + 1]) && is_hex(rest[i + 2]);
    const bool plain =
        is_letter(rest[i]) || is_digit(rest[i]) ||
        std::string_view("-._~:/?#[]@!$&'()*+,;=").find(rest[i]) != std::string_view::npos;
    if (!escaped && !plain) return false;
  }
  if (const std::size_t hash = rest.find('#');
      hash != std::string_view::npos && rest.find('#', hash + 1) != std::string_view::npos)
    return false;
  std::string_view authority;
  if (rest.starts_with("//")) {
    authority = rest.substr(2, std::min(rest.find_first_of("/?#", 2), rest.size()) - 2);
    rest.remove_prefix(2 + authority.size());
  }
  return is_authority(authority) && rest.find_first_of("[]") == std::string_view::npos;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  return std::ranges::equal(text, kShape,
                            [](char c, char s) { return s == 'h' ? is_hex(c) : c == s; });
}

using Judge = bool (*)(std::string_view);

constexpr std::array<std::pair<std::string_view, Judge>, 9> kFormats{{
    {"date", is_date},
    {"date-time", is_date_time},
    {"email", is_email},
    {"ipv4", [](std::string_view text) { return is_ip(text, AF_INET); }},
    {"ipv6", [](std::string_view text) { return is_ip(text, AF_INET6); }},
    {"regex", [](std::string_view text) { return Pattern::parse(text).has_value(); }},
    {"time", is_time},
    {"uri", is_uri},
    {"uuid", is_uuid},
}};

}  // namespace

std::optional<bool> has_format(std::string_view format, std::string_view text) {
  for (const auto& [name, judge] : kFormats) {
    if (name == format) return judge(text);
  }
  return std::nullopt;
}

bool is_checked_format(std::string_view format) {
  return std::ranges::any_of(kFormats, [&](const auto& one) { return one.first == format; });
}

}  // namespace interlock::schema
