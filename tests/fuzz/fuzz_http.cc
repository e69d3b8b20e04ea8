// Any bytes from a client: never a crash, nothing that could be smuggled on, and the same whatever
// the pieces it comes in. The first byte says whether it is a head or chunks, and the size of the
// pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/message.h"

using namespace interlock;

namespace {

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string write_head(const http::Request& request) {
  std::string head = request.method + " " + request.target +
                     (request.reads_chunks ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  return head + "\r\n";
}

void try_head(std::string_view text) {
  const auto read = http::read_request_head(text);
  if (!read) return;
  const http::Request& request = read->request;
  check((request.target.starts_with('/') || request.method == "CONNECT") &&
            is_one_line(request.target),
        "a target is a path");
  for (const auto& [name, value] : request.headers)
    check(!name.empty() && is_one_line(name) && is_one_line(value), "a header is one line");
  check(!read->framing.chunked || read->framing.length == 0, "a body ends in one way");

  const auto again = http::read_request_head(write_head(request));
  check(again.has_value(), "what was understood can be said");
  check(again->request.method == request.method && again->request.target == request.target &&
            again->request.headers == request.headers &&
            again->request.keeps_alive == request.keeps_alive &&
            again->framing.chunked == read->framing.chunked &&
            again->framing.length == read->framing.length,
        "and is understood alike");
}

struct Taken {
  http::ChunkReader reader;
  std::string out;
  std::size_t used = 0;
};

Taken take(std::string_view text, std::size_t piece, std::size_t most) {
  Taken taken;
  while (taken.used < text.size() && !taken.reader.is_done() && !taken.reader.is_bad())
    taken.used += taken.reader.take(text.substr(taken.used, piece), taken.out, most);
  return taken;
}

void try_chunks(std::string_view text, std::size_t piece) {
  constexpr std::size_t kMost = 200;
  const Taken whole = take(text, text.size(), kMost);
  const Taken pieces = take(text, piece, kMost);
  check(whole.out.size() <= kMost && pieces.out.size() <= kMost,
        "a body is no longer than it may be");
  check(whole.reader.is_bad() == pieces.reader.is_bad() &&
            whole.reader.is_done() == pieces.reader.is_done(),
        "chunks do not depend on how they come");
  if (whole.reader.is_bad()) return;
  check(whole.out == pieces.out && whole.used == pieces.used, "nor does their content");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0)
    try_head(text);
  else
    try_chunks(text, std::size_t{1} + data[0] / 2 % 16);
  return 0;
}
