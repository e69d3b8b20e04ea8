#include "http/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace interlock::http {
namespace {

constexpr std::size_t kMostHeaders = 200;
constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kLongestTrailers = 16384;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.contains(c);
  });
}

bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return number;
}

/// Takes one line off; lines end in CR LF.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

std::unexpected<Error> bad(std::string_view why) {
  return fail(Error::Kind::invalid, fmt::format("the request is not HTTP/1.1: {}", why));
}

constexpr std::string_view kScheme = "http://";

/// From the absolute form, which clients send to their proxy and servers have to take (RFC 9112,
/// 3.2.2). Whom it names has to be whom `Host` names.
Result<void> take_origin_form(Request& request) {
  if (!request.target.starts_with(kScheme)) return {};
  const std::size_t path = request.target.find('/', kScheme.size());
  const std::string named = request.target.substr(kScheme.size(), path - kScheme.size());
  const std::string* const host = find_header(request.headers, "host");
  if (path == std::string::npos || host == nullptr || *host != named)
    return bad("its target names another host");
  request.target.erase(0, path);
  return {};
}

Result<Request> read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("its first line has no three words");
  Request request;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("its version is another");
  request.reads_chunks = version == "HTTP/1.1";
  if (!is_token(request.method)) return bad("its method is not a word");
  const bool is_one_word =
      is_printable(request.target) && request.target.find_first_of(" \t#") == std::string::npos;
  if (request.method == "CONNECT") {
    const bool is_authority = is_one_word && request.target.find('/') == std::string::npos &&
                              request.target.find(':') != std::string::npos;
    if (!is_authority) return bad("its target is not `host:port`");
  } else if (!is_one_word ||
             (!request.target.starts_with('/') && !request.target.starts_with(kScheme))) {
    return bad("its target is not a path");
  }
  return request;
}

Result<Header> read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return bad("a header has no name");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_printable(value)) return bad("a header has control characters");
  return Header(line.substr(0, colon), value);
}

Result<BodyFraming> read_framing(const Request& request) {
  BodyFraming framing;
  std::optional<std::uint64_t> length;
  for (const auto& [name, value] : request.headers) {
    if (is_same_name(name, "transfer-encoding")) {
      if (framing.chunked || !is_same_name(value, "chunked") || !request.reads_chunks)
        return bad("its transfer coding is not plainly `chunked`");
      framing.chunked = true;
    } else if (is_same_name(name, "content-length")) {
      const auto number = whole_number<std::uint64_t>(value, 10);
      if (!number || length) return bad("its length is not one number");
      length = number;
    } else if (is_same_name(name, "expect")) {
      framing.expects_continue = is_same_name(value, "100-continue");
    }
  }
  if (framing.chunked && length) return bad("it has both a length and chunks");
  framing.length = length.value_or(0);
  return framing;
}

bool keeps_alive(const Request& request) {
  bool keeps = request.reads_chunks;
  for (const auto& [name, value] : request.headers) {
    if (!is_same_name(name, "connection")) continue;
    if (has_token(value, "close")) return false;
    if (has_token(value, "keep-alive")) keeps = true;
  }
  return keeps;
}

struct Reason {
  int status;
  std::string_view words;
};
constexpr std::array kReasons{Reason{200, "OK"},
                              Reason{201, "Created"},
                              Reason{204, "No Content"},
                              Reason{303, "See Other"},
                              Reason{304, "Not Modified"},
                              Reason{400, "Bad Request"},
                              Reason{401, "Unauthorized"},
                              Reason{402, "Payment Required"},
                              Reason{403, "Forbidden"},
                              Reason{404, "Not Found"},
                              Reason{405, "Method Not Allowed"},
                              Reason{408, "Request Timeout"},
                              Reason{409, "Conflict"},
                              Reason{413, "Content Too Large"},
                              Reason{414, "URI Too Long"},
                              Reason{415, "Unsupported Media Type"},
                              Reason{421, "Misdirected Request"},
                              Reason{429, "Too Many Requests"},
                              Reason{500, "Internal Server Error"},
                              Reason{502, "Bad Gateway"},
                              Reason{503, "Service Unavailable"},
                              Reason{529, "Overloaded"}};

}  // namespace

bool is_same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

const std::string* find_header(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (is_same_name(key, name)) return &value;
  }
  return nullptr;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (is_same_name(trimmed(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool is_hop_by_hop(std::string_view name, std::string_view connection) {
  constexpr std::array<std::string_view, 9> kNames{"connection",
                                                   "keep-alive",
                                                   "proxy-connection",
                                                   "proxy-authenticate",
                                                   "proxy-authorization",
                                                   "te",
                                                   "trailer",
                                                   "transfer-encoding",
                                                   "upgrade"};
  return std::ranges::any_of(kNames, [&](auto known) { return is_same_name(name, known); }) ||
         has_token(connection, name);
}

bool has_bare_line_end(std::string_view text) {
  for (std::size_t at = text.find_first_of("\r\n"); at != std::string_view::npos;
       at = text.find_first_of("\r\n", at)) {
    if (text[at] == '\n') return true;
    if (at + 1 == text.size()) return false;
    if (text[at + 1] != '\n') return true;
    at += 2;
  }
  return false;
}

Result<RequestHead> read_request_head(std::string_view text) {
  if (has_bare_line_end(text)) return bad("a line of it does not end in CR LF");
  const auto first = take_line(text);
  if (!first) return bad("it has no first line");
  auto request = read_request_line(*first);
  if (!request) return std::unexpected(request.error());
  for (auto line = take_line(text);; line = take_line(text)) {
    if (!line) return bad("its headers do not end");
    if (line->empty()) break;
    if (request->headers.size() == kMostHeaders) return bad("it has too many headers");
    auto header = read_header(*line);
    if (!header) return std::unexpected(header.error());
    request->headers.push_back(std::move(*header));
  }
  if (auto taken = take_origin_form(*request); !taken) return std::unexpected(taken.error());
  auto framing = read_framing(*request);
  if (!framing) return std::unexpected(framing.error());
  // `Connection: close` there is meant for a proxy that would speak for somebody else.
  request->keeps_alive = request->method == "CONNECT" || keeps_alive(*request);
  return RequestHead{std::move(*request), *framing};
}

std::size_t ChunkReader::take(std::string_view bytes, std::string& out, std::size_t most) {
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::done && state_ != State::bad) {
    if (state_ == State::data) {
      const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
      if (out.size() + some > most) {
        state_ = State::bad;
        break;
      }
      out.append(bytes.substr(at, some));
      at += some;
      left_ -= some;
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    const char byte = bytes[at++];
    const bool ends_cr = line_.ends_with('\r');
    line_ += byte;
    // One that reads lines otherwise would see other chunks.
    if (line_.size() > kLongestLine || ends_cr != (byte == '\n')) {
      state_ = State::bad;
      break;
    }
    if (byte != '\n') continue;
    take_line(std::string_view(line_).substr(0, line_.size() - 2));
    line_.clear();
  }
  return at;
}

void ChunkReader::take_line(std::string_view line) {
  if (state_ == State::size) {
    const auto size = whole_number<std::uint64_t>(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) {
      state_ = State::bad;
    } else {
      left_ = *size;
      state_ = left_ == 0 ? State::trailer : State::data;
    }
  } else if (state_ == State::data_end) {
    state_ = line.empty() ? State::size : State::bad;
  } else if (line.empty()) {
    state_ = State::done;
  } else if ((trailer_bytes_ += line.size() + 2) > kLongestTrailers) {
    state_ = State::bad;
  }
}

std::string write_response_head(int status, const HeaderList& headers) {
  const auto reason = std::ranges::find(kReasons, status, &Reason::status);
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status,
                                 reason == kReasons.end() ? "Answered" : reason->words);
  for (const auto& [name, value] : headers)
    head.append(name).append(": ").append(value).append("\r\n");
  head += "\r\n";
  return head;
}

}  // namespace interlock::http
