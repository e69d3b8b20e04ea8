#include "gateway/harness.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace interlock::gateway::scenes {
namespace {

constexpr long kPatienceMs = 60'000;

endpoint::Script script_of(std::string_view text) {
  auto script = endpoint::read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(endpoint::Script{});
}

}  // namespace

Client::Client() : curl_(curl_easy_init()) {}
Client::~Client() { curl_easy_cleanup(curl_); }

std::size_t Client::take(char* data, std::size_t size, std::size_t count, void* self) {
  Client& client = *static_cast<Client*>(self);
  client.reply_.body.append(data, size * count);
  if (client.on_bytes) client.on_bytes({data, size * count});
  return client.reply_.body.size() >= client.leave_after_ ? 0 : size * count;
}

Reply Client::perform(const std::string& url, const std::vector<std::string>& headers) {
  reply_ = {};
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_PROXY, "");
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, kPatienceMs);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Client::take);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, static_cast<void*>(this));
  curl_easy_setopt(
      curl_, CURLOPT_HEADERFUNCTION,
      +[](char* data, std::size_t size, std::size_t count, void* head) {
        static_cast<std::string*>(head)->append(data, size * count);
        return size * count;
      });
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, static_cast<void*>(&reply_.head));
  reply_.code = curl_easy_perform(curl_);
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &reply_.status);
  curl_slist_free_all(list);
  return reply_;
}

Reply Client::post(const std::string& url, const std::string& body,
                   const std::vector<std::string>& headers) {
  curl_easy_setopt(curl_, CURLOPT_POST, 1L);
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  return perform(url, headers);
}

Reply Client::head(const std::string& url) {
  curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
  return perform(url, {});
}

World::World(std::string_view script, const std::function<void(Options&)>& change)
    : endpoint(script_of(script)) {
  Options options;
  options.providers["claude"] = {endpoint.base_url(), Secret(std::string(kRealKey))};
  options.prices = metering::built_in_prices();
  options.now = [] {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  };
  // No back-off: what is tested is that it is tried again, not how late.
  options.chance = [] { return 0.0; };
  options.wake = [this] {
    const std::scoped_lock lock(mutex_);
    told_.notify_all();
  };
  if (change) change(options);
  auto opened = LocalGateway::open(std::move(options));
  EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
  if (opened) gateway = std::move(*opened);
}

engine::Gateway::Route World::open(const std::function<void(engine::Gateway::RouteSpec&)>& change,
                                   std::size_t task, std::uint32_t attempt) {
  engine::Gateway::RouteSpec spec;
  spec.name = attempt_name(task, attempt);
  spec.label = fmt::format("run/task{}#{}", task, attempt);
  spec.agent = "claude";
  if (change) change(spec);
  auto route = gateway->open(spec);
  EXPECT_TRUE(route.has_value()) << (route ? "" : route.error().message);
  return route.value_or(engine::Gateway::Route{});
}

std::vector<engine::ModelCall> World::calls(std::size_t count) {
  std::unique_lock lock(mutex_);
  const bool came = told_.wait_for(lock, std::chrono::seconds(60), [&] {
    std::ranges::move(gateway->take_calls(), std::back_inserter(calls_));
    return calls_.size() >= count;
  });
  EXPECT_TRUE(came) << "only " << calls_.size() << " calls were told";
  auto taken = std::exchange(calls_, {});
  taken.resize(std::max(taken.size(), count));
  return taken;
}

engine::AttemptName attempt_name(std::size_t task, std::uint32_t attempt) {
  return {.task = TaskId(task), .attempt = attempt};
}

std::string message(std::string_view prompt, bool streams, std::string_view more) {
  return fmt::format(R"({{"model":"claude-opus-4-5","max_tokens":1000,"stream":{},{})"
                     R"("messages":[{{"role":"user","content":"{}"}}]}})",
                     streams, more.empty() ? "" : fmt::format("{},", more), prompt);
}

Usage billed(const endpoint::Endpoint& endpoint, std::size_t nth) {
  const auto entries = endpoint.entries();
  if (nth >= entries.size() || !entries[nth].usage) return {};
  const endpoint::Used& used = *entries[nth].usage;
  return {.input = used.input,
          .output = used.output,
          .cache_read = used.cache_read,
          .cache_write = used.cache_write};
}

Usage tokens_of(Usage usage) {
  usage.cost.reset();
  return usage;
}

}  // namespace interlock::gateway::scenes
