#include "chat/chat_call.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <memory>
#include <span>

#include "base/check.h"
#include "chat/answer.h"

namespace interlock::chat {

namespace {

struct EasyEnds {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiEnds {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListEnds {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

bool is_on_this_machine(std::string_view url) {
  constexpr std::array kHere{"://127.0.0.1", "://localhost", "://[::1]"};
  return std::ranges::any_of(
      kHere, [&](std::string_view here) { return url.find(here) != std::string_view::npos; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

/// Whether a reader of a pipe or socket has left: then the kernel tells an error on the writing
/// end.
bool is_unread(int output) {
  if (output < 0) return false;
  pollfd one{output, 0, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

/// One transfer and what becomes of it.
class Call {
 public:
  Call(const CallSpec& spec, const Request& request, const std::string& key, const Around& around)
      : answer_(spec),
        key_(key),
        around_(around),
        easy_(curl_easy_init()),
        multi_(curl_multi_init()) {
    check(easy_ != nullptr && multi_ != nullptr, "libcurl has memory for one transfer");
    set_up(request);
  }
  ~Call() { curl_multi_remove_handle(multi_.get(), easy_.get()); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Outcome run() {
    curl_multi_add_handle(multi_.get(), easy_.get());
    for (int running = 1;;) {
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK || running == 0) break;
      if (unread_) return Outcome::unread;
      std::array<curl_waitfd, 2> watched{};
      const unsigned count = watch(watched);
      if (curl_multi_poll(multi_.get(), watched.data(), count, 60'000, nullptr) != CURLM_OK) break;
      if (around_.signals >= 0 && (watched[0].revents & CURL_WAIT_POLLIN) != 0) {
        return tell(answer_.abort("a signal ended it"), Outcome::stopped);
      }
      if (is_unread(around_.output)) return Outcome::unread;
    }
    return unread_ ? Outcome::unread : conclude();
  }

 private:
  void set_up(const Request& request);

  /// The signals first.
  unsigned watch(std::span<curl_waitfd, 2> watched) const {
    unsigned count = 0;
    if (around_.signals >= 0) watched[count++] = {around_.signals, CURL_WAIT_POLLIN, 0};
    if (around_.output >= 0) watched[count++] = {around_.output, 0, 0};
    return count;
  }

  Outcome conclude() {
    CURLcode code = CURLE_OK;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    }
    Transport transport;
    if (code != CURLE_OK)
      transport.trouble = *trouble_ != '\0' ? trouble_ : curl_easy_strerror(code);
    curl_off_t sent = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
    transport.was_sent = sent > 0;
    const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    const Ended ended = answer_.end(transport, now, key_);
    return tell(ended, ended.is_good ? Outcome::good : Outcome::bad);
  }

  Outcome tell(const Ended& ended, Outcome outcome) const {
    return around_.write(ended.lines) ? outcome : Outcome::unread;
  }

  /// The head is whole with the first byte of the body, and at the latest at the end.
  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {
      head_ = {};  // also behind `100 Continue`, and behind what a proxy says
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return take_head();
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string value(trimmed(line.substr(colon + 1)));
    if (name == "content-type") head_.content_type = value;
    head_.headers.emplace_back(std::move(name), value);
  }

  void take_head() {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return;
    head_.status = static_cast<int>(status);
    answer_.take_head(head_);
  }

  bool take_body(std::string_view bytes) {
    const std::string lines = answer_.take(bytes);
    if (!lines.empty() && !around_.write(lines)) unread_ = true;
    return !unread_;
  }

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* call) {
    static_cast<Call*>(call)->take_header({data, size * count});
    return size * count;
  }
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* call) {
    return static_cast<Call*>(call)->take_body({data, size * count}) ? size * count : 0;
  }

  Answer answer_;
  const std::string& key_;
  const Around& around_;
  std::unique_ptr<CURL, EasyEnds> easy_;
  std::unique_ptr<CURLM, MultiEnds> multi_;
  std::unique_ptr<curl_slist, ListEnds> headers_;
  char trouble_[CURL_ERROR_SIZE] = {};
  Head head_;
  bool unread_ = false;
};

void Call::set_up(const Request& request) {
  CURL* easy = easy_.get();
  for (const std::string& header : request.headers) {
    curl_slist* longer = curl_slist_append(headers_.get(), header.c_str());
    check(longer != nullptr, "libcurl has memory for a header");
    static_cast<void>(headers_.release());
    headers_.reset(longer);
  }
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "interlock");
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, trouble_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  if (is_on_this_machine(request.url)) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  if (!around_.ca_bundle.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, around_.ca_bundle.c_str());
  }
}

}  // namespace

Outcome converse(const CallSpec& spec, const Request& request, const std::string& key,
                 const Around& around) {
  if (!around.write(agents::chat_started(called(spec.api), spec.model))) return Outcome::unread;
  Call call(spec, request, key, around);
  return call.run();
}

}  // namespace interlock::chat
