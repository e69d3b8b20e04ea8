#include "cli/otlp_post.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace interlock::cli {
namespace {

constexpr int kTries = 5;
constexpr int kLongestPauseMs = 10'000;

struct Cleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string made(text);
  curl_free(text);
  return made;
}

Result<std::string> receiver_of(const std::string& text, const char* path) {
  const std::unique_ptr<CURLU, Cleanup> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return fail(Error::Kind::invalid, fmt::format("`{}` is not an address", printable(text)));
  const std::string host = part_of(url.get(), CURLUPART_HOST);
  constexpr std::array kOwn{"127.0.0.1", "localhost", "[::1]"};
  if (part_of(url.get(), CURLUPART_SCHEME) == "http" && std::ranges::find(kOwn, host) == kOwn.end())
    return fail(Error::Kind::refused,
                fmt::format("`{}` is another machine, and http is not encrypted", printable(host)),
                "https, or a collector on this machine");
  if (path != nullptr && part_of(url.get(), CURLUPART_PATH) == "/")
    curl_url_set(url.get(), CURLUPART_PATH, path, 0);
  return part_of(url.get(), CURLUPART_URL);
}

/// `key=value,key=value`, values as in a URL.
curl_slist* add_own_headers(CURL* easy, curl_slist* list) {
  const char* own = std::getenv("OTEL_EXPORTER_OTLP_HEADERS");
  std::string_view rest = own == nullptr ? "" : own;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) continue;
    int length = 0;
    char* value = curl_easy_unescape(easy, one.data() + equals + 1,
                                     static_cast<int>(one.size() - equals - 1), &length);
    const std::string line = fmt::format("{}: {}", one.substr(0, equals),
                                         std::string_view(value, static_cast<std::size_t>(length)));
    curl_free(value);
    if (line.find_first_of("\r\n") == std::string::npos)
      list = curl_slist_append(list, line.c_str());
  }
  return list;
}

struct Answer {
  long status = 0;
  int retry_after_s = 0;
  std::string body, trouble;
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* into) {
  constexpr std::size_t kMost = std::size_t{64} << 10U;
  auto& body = *static_cast<std::string*>(into);
  body.append(bytes, std::min(count, kMost - std::min(kMost, body.size())));
  return count;
}

Answer post(CURL* easy, const std::string& body) {
  Answer answer;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) answer.trouble = curl_easy_strerror(code);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t after = 0;
  if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK)
    answer.retry_after_s = static_cast<int>(std::clamp<curl_off_t>(after, 0, 3600));
  return answer;
}

bool asks_for_more(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

/// A receiver may take a part only, and say so with 200.
std::string refused_part(const std::string& body) {
  const auto answer = parse_json(body.empty() ? "{}" : body);
  if (!answer || !answer->is_object()) return {};
  const json::value* part = answer->get_object().if_contains("partialSuccess");
  if (part == nullptr || !part->is_object()) return {};
  const json::value* count = part->get_object().if_contains("rejectedSpans");
  if (count == nullptr) return {};
  const std::string number = count->is_string()  ? std::string(count->get_string())
                             : count->is_int64() ? std::to_string(count->get_int64())
                                                 : "some";
  return number == "0" ? "" : number;
}

Result<void> post_with_patience(CURL* easy, const std::string& url, const std::string& body) {
  for (int tries = 1;; ++tries) {
    const Answer answer = post(easy, body);
    if (answer.trouble.empty() && answer.status >= 200 && answer.status < 300) {
      const std::string refused = refused_part(answer.body);
      if (refused.empty()) return {};
      return fail(Error::Kind::io,
                  fmt::format("`{}` did not take {} of the spans", printable(url), refused));
    }
    if (!answer.trouble.empty() || !asks_for_more(answer.status) || tries == kTries) {
      return fail(Error::Kind::io,
                  answer.trouble.empty()
                      ? fmt::format("`{}` answered {}: {}", printable(url), answer.status,
                                    elide_end(printable(answer.body), 200))
                      : fmt::format("cannot send to `{}`: {}", printable(url), answer.trouble));
    }
    const int pause = answer.retry_after_s > 0 ? answer.retry_after_s * 1000 : 100 << tries;
    ::poll(nullptr, 0, std::min(pause, kLongestPauseMs));
  }
}

std::unique_ptr<CURL, Cleanup> poster_to(const std::string& url) {
  std::unique_ptr<CURL, Cleanup> easy(curl_easy_init());
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "interlock");
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 60L);
  if (url.starts_with("http://")) curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  return easy;
}

}  // namespace

bool is_url(const std::string& target) {
  return target.starts_with("http://") || target.starts_with("https://");
}

Result<void> post_otlp(const std::string& target, const std::vector<std::string>& bodies) {
  const auto url = receiver_of(target, "/v1/traces");
  if (!url) return std::unexpected(url.error());
  const auto easy = poster_to(*url);
  const std::unique_ptr<curl_slist, Cleanup> headers(
      add_own_headers(easy.get(), curl_slist_append(nullptr, "Content-Type: application/json")));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  for (const std::string& body : bodies) {
    if (auto sent = post_with_patience(easy.get(), *url, body); !sent) return sent;
  }
  return {};
}

Result<void> check_url(const std::string& url) {
  const auto receiver = receiver_of(url, nullptr);
  return receiver ? Result<void>() : std::unexpected(receiver.error());
}

Result<void> post_json(const std::string& target, const std::string& body) {
  const auto url = receiver_of(target, nullptr);
  if (!url) return std::unexpected(url.error());
  const auto easy = poster_to(*url);
  const std::unique_ptr<curl_slist, Cleanup> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  return post_with_patience(easy.get(), *url, body);
}

}  // namespace interlock::cli
