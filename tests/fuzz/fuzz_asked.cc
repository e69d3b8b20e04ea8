// Any bytes as a request's path and body, parted by a line end; as a refusal's body; and as
// headers, each line `name: value`. Never a crash, and what is read holds together.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "metering/model_call.h"
#include "metering/prices.h"

using namespace interlock;
using namespace interlock::metering;

namespace {

constexpr Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31);

void check_asked(std::string_view path, std::string_view body) {
  const auto asked = read_asked(path, body);
  if (!asked) {
    check(!asked.error().message.empty(), "an error says what is wrong");
  } else if (*asked) {
    check((*asked)->prefix_bytes <= body.size(), "a prefix is a part of the body");
    check(!(*asked)->output_max || *(*asked)->output_max > 0, "a bound lets something through");
  }
  const auto asking = asking_for_usage(Api::openai_chat, body);
  if (!asking) return;
  check(!asking_for_usage(Api::openai_chat, *asking), "who asks need not ask again");
  if (const auto was = parse_json(body)) {
    const auto is = parse_json(*asking);
    check(is && is->is_object(), "a body that is JSON stays JSON");
  }
}

void check_headers(std::string_view text, std::string_view body) {
  std::vector<Header> headers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const LimitNews news = read_limits(headers, kNow);
  const auto is_wait = [](const std::optional<Duration>& wait) {
    return !wait || (wait->count() >= 0 && *wait <= std::chrono::days(366));
  };
  for (const auto* one : {&news.requests, &news.input_tokens, &news.output_tokens, &news.tokens}) {
    check(is_wait(one->reset) && one->per.count() > 0, "a time to wait can be waited for");
    check(one->limit.value_or(0) >= 0 && one->remaining.value_or(0) >= 0, "counts are counts");
  }
  check(is_wait(news.retry_after), "a time to wait can be waited for");
  for (const Api api : {Api::anthropic, Api::openai_chat, Api::openai_responses, Api::gemini}) {
    for (const int status : {400, 429}) {
      const Refusal refusal = read_refusal(api, status, headers, body, kNow);
      check(!refusal.message.empty(), "a refusal says something");
      check(is_wait(refusal.retry_after), "a time to wait can be waited for");
      int shown = 0;
      check(parse_json(refusal_body(api, refusal, shown)).has_value(), "it can be told as JSON");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t parting = std::min(input.find('\n'), size);
  const std::string_view rest = input.substr(std::min(parting + 1, size));
  check_asked(input.substr(0, parting), rest);
  check_headers(input, rest);
  if (const auto prices = read_prices(rest)) {
    for (const Price& price : prices->prices)
      check(prices->find(price.model) != nullptr || price.model.ends_with('*'), "a name is found");
  }
  return 0;
}
