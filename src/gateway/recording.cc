#include "gateway/recording.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "base/json.h"
#include "gateway/request_noise.h"
#include "gateway/secret.h"

namespace interlock::gateway {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::array<std::string_view, 5> kVolatile{"metadata", "user", "prompt_cache_key",
                                                    "safety_identifier", "client_metadata"};
constexpr std::string_view kBillingNote = "x-anthropic-billing-header:";
/// What a route's base URL is in recordings, whatever its port and secret were.
constexpr std::string_view kAnyRoute = "http://gateway.invalid";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

void drop_volatile(json::object& body) {
  for (const std::string_view name : kVolatile) body.erase(name);
  json::value* const system = body.if_contains("system");
  if (system == nullptr || !system->is_array()) return;
  for (json::value& block : system->get_array()) {
    json::object* const fields = block.if_object();
    json::value* const text = fields == nullptr ? nullptr : fields->if_contains("text");
    if (text != nullptr && text->is_string() &&
        std::string_view(text->get_string()).starts_with(kBillingNote))
      *text = kBillingNote;
  }
}

std::string without_key_parameter(std::string_view path) {
  const std::size_t question = std::min(path.find('?'), path.size());
  std::string kept(path.substr(0, question));
  std::string_view query = path.substr(std::min(question + 1, path.size()));
  char mark = '?';
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (!query.starts_with("key=")) {
      kept += std::exchange(mark, '&');
      kept += query.substr(0, end);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return kept;
}

std::unexpected<Error> broken(std::string_view why) {
  return fail(Error::Kind::invalid, "the recording is damaged: " + std::string(why));
}

std::optional<std::size_t> size_in(const json::value* value) {
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return {};
  return static_cast<std::size_t>(value->get_int64());
}

std::optional<std::string> text_in(const json::object& head, std::string_view name) {
  const json::value* const value = head.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

std::optional<http::HeaderList> headers_in(const json::object& head) {
  const json::value* const list = head.if_contains("headers");
  if (list == nullptr || !list->is_object()) return {};
  http::HeaderList headers;
  for (const auto& [name, value] : list->get_object()) {
    if (!value.is_string()) return {};
    headers.emplace_back(name, value.get_string());
  }
  return headers;
}

std::optional<std::vector<std::size_t>> chunks_in(const json::object& head) {
  const json::value* const list = head.if_contains("chunks");
  if (list == nullptr || !list->is_array()) return {};
  std::vector<std::size_t> chunks;
  for (const json::value& entry : list->get_array()) {
    const auto size = size_in(&entry);
    if (!size) return {};
    chunks.push_back(*size);
  }
  return chunks;
}

/// The sizes that `head` tells fit what is there, and no sum of them overflows.
bool takes_exactly(const std::vector<std::size_t>& chunks, std::size_t bytes) {
  for (const std::size_t chunk : chunks) {
    if (chunk > bytes) return false;
    bytes -= chunk;
  }
  return bytes == 0;
}

Result<Recording> read_head(const json::object& head) {
  const auto format = size_in(head.if_contains("interlock_recording"));
  if (!format || *format != static_cast<std::size_t>(kFormat))
    return broken("its format is another");
  const auto task = text_in(head, "task");
  const auto method = text_in(head, "method");
  const auto path = text_in(head, "path");
  const auto ordinal = size_in(head.if_contains("ordinal"));
  const auto status = size_in(head.if_contains("status"));
  auto headers = headers_in(head);
  auto chunks = chunks_in(head);
  if (!task || !method || !path || !ordinal || !headers || !chunks)
    return broken("a member of its head is missing or no text");
  if (!status || *status < 200 || *status > 599) return broken("its status is none");
  Recording recording;
  recording.request = {*task, *method, *path, {}};
  recording.ordinal = static_cast<std::uint32_t>(*ordinal);
  recording.status = static_cast<int>(*status);
  recording.headers = std::move(*headers);
  recording.chunks = std::move(*chunks);
  return recording;
}

}  // namespace

Digest KnownRequest::key() const {
  return Hasher().add_field(task).add_field(method).add_field(path).add_field(body).finish();
}

std::string task_of_label(std::string_view label) {
  const std::size_t slash = label.find('/');
  const std::size_t hash = label.rfind('#');
  if (slash == std::string_view::npos || hash == std::string_view::npos || hash < slash)
    return std::string(label);
  return std::string(label.substr(slash + 1, hash - slash - 1));
}

KnownRequest known_request(std::string_view label, std::string_view method, std::string_view path,
                           std::string_view body, const Hidden& hidden) {
  KnownRequest request{task_of_label(label), std::string(method), without_key_parameter(path),
                       std::string(body)};
  if (auto read = parse_json(body); read && read->is_object()) {
    drop_volatile(read->get_object());
    request.body = canonical_json(*read);
  }
  replace_all(request.body, hidden.base_url, kAnyRoute);
  request.body = without_noise(std::move(request.body), hidden.noise);
  for (std::string* const text : {&request.body, &request.path}) {
    blot_out(*text, hidden.secret);
    blot_out(*text, hidden.key);
  }
  return request;
}

http::HeaderList headers_to_keep(const http::HeaderList& headers) {
  constexpr std::array<std::string_view, 4> kKept{"content-type", "request-id", "x-request-id",
                                                  "content-encoding"};
  http::HeaderList kept;
  for (const auto& [name, value] : headers) {
    if (std::ranges::any_of(kKept, [&](auto known) { return http::is_same_name(name, known); }))
      kept.emplace_back(name, value);
  }
  return kept;
}

std::string write_recording(const Recording& recording) {
  json::object headers;
  for (const auto& [name, value] : recording.headers) headers[name] = value;
  json::array chunks;
  for (const std::size_t chunk : recording.chunks) chunks.emplace_back(chunk);
  const json::object head{
      {"interlock_recording", kFormat}, {"task", recording.request.task},
      {"ordinal", recording.ordinal},   {"method", recording.request.method},
      {"path", recording.request.path}, {"request_bytes", recording.request.body.size()},
      {"status", recording.status},     {"headers", std::move(headers)},
      {"chunks", std::move(chunks)}};
  return canonical_json(head) + "\n" + recording.request.body + recording.answer;
}

Result<Recording> read_recording(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return broken("its head does not end");
  auto head = parse_json(text.substr(0, end));
  if (!head || !head->is_object()) return broken("its head is not a JSON object");
  auto recording = read_head(head->get_object());
  if (!recording) return recording;
  const auto request_bytes = size_in(head->get_object().if_contains("request_bytes"));
  text.remove_prefix(end + 1);
  if (!request_bytes || *request_bytes > text.size()) return broken("its request is cut short");
  recording->request.body = text.substr(0, *request_bytes);
  recording->answer = text.substr(*request_bytes);
  if (!takes_exactly(recording->chunks, recording->answer.size()))
    return broken("its answer is cut short");
  return recording;
}

}  // namespace interlock::gateway
