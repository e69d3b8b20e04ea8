#include "gateway/upstream.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <charconv>

#include "base/check.h"

namespace interlock::gateway {
namespace {

constexpr long kMostKeptConnections = 256;
constexpr long kBufferBytes = 64L << 10U;
constexpr std::size_t kMostSpareHandles = 64;

/// curl is set up once a process, before any of its threads uses it.
void set_up_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(code == CURLE_OK, "libcurl starts");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

int status_of(std::string_view line) {
  const std::size_t space = line.find(' ');
  int status = 0;
  if (space != std::string_view::npos)
    std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

/// Whoever tries again meets the same: a certificate that is not trusted, an address that is none.
bool is_in_vain(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

}  // namespace

Transfer::Transfer(Upstream& upstream, AnswerTaker& taker, const Outgoing& request)
    : upstream_(upstream), taker_(taker), easy_(upstream.take_handle()) {
  set_options(request);
  is_in_multi_ = curl_multi_add_handle(upstream_.multi_, easy_) == CURLM_OK;
  check(is_in_multi_, "curl takes a transfer");
}

Transfer::~Transfer() {
  if (is_in_multi_) curl_multi_remove_handle(upstream_.multi_, easy_);
  upstream_.give_back(easy_);
  curl_slist_free_all(sent_headers_);
}

void Transfer::set_options(const Outgoing& request) {
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
  const Network& network = upstream_.network_;
  for (const auto& [name, value] : request.headers) {
    // curl leaves out a header with an empty value unless it ends in a semicolon.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    sent_headers_ = curl_slist_append(sent_headers_, line.c_str());
  }
  for (const char* ours : {"Expect:", "Accept-Encoding: identity"})
    sent_headers_ = curl_slist_append(sent_headers_, ours);
  // What curl would put in by itself, the client did not say.
  for (const char* added : {"Accept", "Content-Type", "User-Agent"}) {
    if (find_header(request.headers, added) == nullptr)
      sent_headers_ = curl_slist_append(sent_headers_, (std::string(added) + ":").c_str());
  }

  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, error_);
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_HTTPHEADER, sent_headers_);
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(network.connect_timeout.count() / 1000));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // An empty proxy also keeps curl from reading the environment.
  const bool is_tls = request.url.starts_with("https:");
  set(CURLOPT_PROXY, (is_tls ? network.https_proxy : network.http_proxy).c_str());
  set(CURLOPT_NOPROXY, network.no_proxy.c_str());
  if (!network.ca_file.empty()) set(CURLOPT_CAINFO, network.ca_file.c_str());
  set(CURLOPT_CLOSESOCKETFUNCTION, &Upstream::on_close);
  set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&upstream_));
  set(CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::take_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));

  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.method == "GET" && request.body.empty()) {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.body.data() == nullptr ? "" : request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    if (request.method != "POST") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

std::size_t Transfer::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  const std::string_view line = trimmed({data, bytes});
  if (line.starts_with("HTTP/")) {
    // The head of what counts comes last: interim answers have one too.
    transfer.headers_.clear();
    transfer.status_ = status_of(line);
  } else if (const std::size_t colon = line.find(':');
             colon != std::string_view::npos && !transfer.is_head_reported_) {
    transfer.headers_.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  }
  return bytes;
}

std::size_t Transfer::take_bytes(char* data, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  transfer.report_head();
  if (transfer.taker_.on_bytes({data, bytes})) return bytes;
  transfer.is_paused_ = true;
  return CURL_WRITEFUNC_PAUSE;
}

void Transfer::report_head() {
  if (is_head_reported_) return;
  is_head_reported_ = true;
  taker_.on_head(status_, std::move(headers_));
}

void Transfer::resume() {
  if (!is_paused_ || !is_in_multi_) return;
  is_paused_ = false;
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

bool Transfer::was_sent() const {
  long bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &bytes);
  // What a proxy was asked for first counts as bytes too; the request itself comes after all that.
  curl_off_t ready = 0;
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &ready);
  return bytes > 0 && ready > 0;
}

/// The proxy opens no tunnel for us.
bool Transfer::is_kept_out() const {
  constexpr long kClientError = 400;
  constexpr long kServerError = 500;
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &status);
  return status >= kClientError && status < kServerError;
}

void Transfer::finish(CURLcode code) {
  curl_multi_remove_handle(upstream_.multi_, easy_);
  is_in_multi_ = false;
  if (code == CURLE_OK) {
    report_head();
    return taker_.on_done({});
  }
  const std::string_view words = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  const bool is_final = is_in_vain(code) || is_kept_out();
  taker_.on_done(fail(is_final ? Error::Kind::refused : Error::Kind::io, std::string(words)));
}

Upstream::Upstream(Loop& loop, Network network) : loop_(loop), network_(std::move(network)) {
  set_up_curl();
  multi_ = curl_multi_init();
  check(multi_ != nullptr, "libcurl starts");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Upstream::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Upstream::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMostKeptConnections);
}

Upstream::~Upstream() {
  for (CURL* const easy : spare_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
  timer_.reset();
}

std::unique_ptr<Transfer> Upstream::start(const Outgoing& request, AnswerTaker& taker) {
  return std::unique_ptr<Transfer>(new Transfer(*this, taker, request));
}

CURL* Upstream::take_handle() {
  if (spare_.empty()) {
    CURL* const easy = curl_easy_init();
    check(easy != nullptr, "curl has a handle");
    return easy;
  }
  CURL* const easy = spare_.back();
  spare_.pop_back();
  return easy;
}

void Upstream::give_back(CURL* easy) {
  if (spare_.size() == kMostSpareHandles) return curl_easy_cleanup(easy);
  curl_easy_reset(easy);
  spare_.push_back(easy);
}

int Upstream::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  Upstream& upstream = *static_cast<Upstream*>(self);
  std::uint32_t wanted = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) wanted |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) wanted |= EPOLLOUT;
  const auto found = upstream.interests_.find(socket);
  if (found == upstream.interests_.end()) {
    if (wanted == 0) return 0;
    upstream.loop_.watch(socket, wanted, [&upstream, socket](std::uint32_t events) {
      int bits = 0;
      if ((events & (EPOLLIN | EPOLLHUP)) != 0) bits |= CURL_CSELECT_IN;
      if ((events & EPOLLOUT) != 0) bits |= CURL_CSELECT_OUT;
      if ((events & EPOLLERR) != 0) bits |= CURL_CSELECT_ERR;
      upstream.act(socket, bits);
    });
    upstream.interests_[socket] = wanted;
  } else if (wanted == 0) {
    upstream.loop_.forget(socket);
    upstream.interests_.erase(found);
  } else if (found->second != wanted) {
    found->second = wanted;
    upstream.loop_.change(socket, wanted);
  }
  return 0;
}

int Upstream::on_close(void* self, curl_socket_t socket) {
  Upstream& upstream = *static_cast<Upstream*>(self);
  if (upstream.interests_.erase(socket) > 0) upstream.loop_.forget(socket);
  return ::close(socket);
}

int Upstream::on_timer(CURLM*, long timeout_ms, void* self) {
  Upstream& upstream = *static_cast<Upstream*>(self);
  if (timeout_ms < 0) {
    upstream.timer_.reset();
  } else {
    upstream.timer_ = upstream.loop_.after(std::chrono::milliseconds(timeout_ms),
                                           [&upstream] { upstream.act(CURL_SOCKET_TIMEOUT, 0); });
  }
  return 0;
}

void Upstream::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  report_finished();
}

void Upstream::report_finished() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    // The message is gone once its handle is taken out.
    const CURLcode code = message->data.result;
    reinterpret_cast<Transfer*>(transfer)->finish(code);
  }
}

}  // namespace interlock::gateway
