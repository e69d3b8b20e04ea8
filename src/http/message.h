#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/body_room.h"

// HTTP/1.1 as a server reads it (RFC 9112), no more of it than its servers take. Strict where two
// readers could understand different things: what is ambiguous is refused.
namespace interlock::http {

/// Name and value.
using Header = std::pair<std::string, std::string>;
using HeaderList = std::vector<Header>;

bool is_same_name(std::string_view one, std::string_view other);
/// The first of that name, whatever its case.
const std::string* find_header(const HeaderList& headers, std::string_view name);
/// Whether `token` is in a list such as `keep-alive, close`.
bool has_token(std::string_view list, std::string_view token);
/// Meant for the next hop only (RFC 9110, 7.6.1), or named by `connection`.
bool is_hop_by_hop(std::string_view name, std::string_view connection);

struct Request {
  std::string method;
  std::string target;  ///< In origin form: `/path?query`; of CONNECT: `host:port`.
  HeaderList headers;
  std::string body;
  BodyRoom room;  ///< What the body takes.
  bool keeps_alive = true;
  bool reads_chunks = true;    ///< HTTP/1.1 and not 1.0.
  std::uint64_t listener = 0;  ///< Which of the server's it came in by.
};

/// How a request's body is delimited.
struct BodyFraming {
  bool chunked = false;
  std::uint64_t length = 0;
  bool expects_continue = false;
};

struct RequestHead {
  Request request;  ///< Without its body.
  BodyFraming framing;
};

/// A CR or LF that is not half of a CR LF. A CR at the very end is none yet.
bool has_bare_line_end(std::string_view text);

/// Reads request line and headers: `text` ends with the empty line.
Result<RequestHead> read_request_head(std::string_view text);

/// Takes the chunked coding off (RFC 9112, 7.1), as bytes come; trailers are dropped.
class ChunkReader {
 public:
  enum class State : unsigned char { size, data, data_end, trailer, done, bad };

  /// Appends content to `out`; answers how many bytes of `bytes` belong to the body. At most `most`
  /// bytes of content in all, else it is `bad`.
  std::size_t take(std::string_view bytes, std::string& out, std::size_t most);
  bool is_done() const { return state_ == State::done; }
  bool is_bad() const { return state_ == State::bad; }

 private:
  void take_line(std::string_view line);

  State state_ = State::size;
  std::uint64_t left_ = 0;
  std::string line_;
  std::size_t trailer_bytes_ = 0;
};

/// `HTTP/1.1 STATUS Reason` with headers and the empty line.
std::string write_response_head(int status, const HeaderList& headers);

}  // namespace interlock::http
