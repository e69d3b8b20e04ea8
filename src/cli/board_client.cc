#include "cli/board_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace interlock::cli {

namespace {

constexpr std::size_t kMostAnswerBytes = std::size_t{8} << 20U;

struct Cleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + count > kMostAnswerBytes) return 0;
  body.append(bytes, count);
  return count;
}

/// What the board says to a no, in its own words.
std::string message_in(const std::string& body) {
  const auto answer = parse_json(body);
  if (!answer || !answer->is_object()) return {};
  const json::value* error = answer->get_object().if_contains("error");
  const json::value* message =
      error != nullptr && error->is_object() ? error->get_object().if_contains("message") : nullptr;
  return message != nullptr && message->is_string() ? std::string(message->get_string()) : "";
}

Error::Kind kind_of(long status) {
  if (status == 404 || status == 400) return Error::Kind::invalid;
  return Error::Kind::refused;
}

/// A GET, or a POST of `text`.
Result<std::string> ask(const std::string& url, const std::string* text) {
  const std::unique_ptr<CURL, Cleanup> easy(curl_easy_init());
  std::string body;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "interlock");
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http");
  // The person's proxies have nothing to do with what is on this machine.
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 120L);
  if (text != nullptr) {
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(text->size()));
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, text->c_str());
  }
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK)
    return fail(Error::Kind::io,
                fmt::format("the board cannot be reached: {}", curl_easy_strerror(code)),
                "the attempt that was given this board may be over");
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return body;
  const std::string message = message_in(body);
  return fail(kind_of(status),
              message.empty() ? fmt::format("the board answered {}", status) : message);
}

}  // namespace

std::string board_address() {
  const char* value = std::getenv("INTERLOCK_BOARD");
  return value == nullptr ? std::string() : std::string(value);
}

Result<void> post_to_board(const std::string& address, const std::string& topic,
                           const std::string& text) {
  const auto answer = ask(fmt::format("{}/interlock/board/{}", address, topic), &text);
  return answer ? Result<void>() : std::unexpected(answer.error());
}

Result<json::object> read_board(const std::string& address, const std::string& topic,
                                std::uint32_t after) {
  const auto answer =
      ask(fmt::format("{}/interlock/board/{}?after={}", address, topic, after), nullptr);
  if (!answer) return std::unexpected(answer.error());
  auto parsed = parse_json(*answer);
  if (!parsed || !parsed->is_object())
    return fail(Error::Kind::io, "what the board answered is not understood");
  return std::move(parsed->get_object());
}

}  // namespace interlock::cli
