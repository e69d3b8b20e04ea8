// Any bytes as a recorded exchange: never a crash, and what is read can be written and read alike.
#include <cstdint>
#include <numeric>
#include <string_view>

#include "base/check.h"
#include "gateway/recording.h"

using namespace interlock;
using namespace interlock::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_recording(text);
  if (read) {
    const std::size_t sum =
        std::accumulate(read->chunks.begin(), read->chunks.end(), std::size_t{0});
    check(sum == read->answer.size(), "the chunks are the answer");
    check(read->status >= 200 && read->status <= 599, "a status is one");
    const auto again = read_recording(write_recording(*read));
    check(again.has_value(), "what was read can be written");
    check(again->request.key() == read->request.key() && again->ordinal == read->ordinal &&
              again->status == read->status && again->headers == read->headers &&
              again->answer == read->answer && again->chunks == read->chunks,
          "and read alike");
  }
  // Anybody's request has to be made known, whatever it is.
  const Hidden hidden{.base_url = "http://127.0.0.1:1/secret", .secret = "secret", .key = "sk-key"};
  const KnownRequest known = known_request(text, "POST", text, text, hidden);
  check(known.body.find(hidden.secret) == std::string::npos, "no secret is kept");
  check(known.body.find(hidden.key) == std::string::npos, "no key is kept");
  return 0;
}
