#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "engine/gateway.h"
#include "gateway/http.h"

// One recorded exchange, and what makes two requests the same (ADR 20). Pure.
namespace interlock::gateway {

/// A request as recordings know it: no credential, nothing that differs from run to run by itself.
struct KnownRequest {
  std::string task;  ///< The task's id, without run and attempt.
  std::string method;
  std::string path;  ///< With its query, but for a key.
  std::string body;  ///< Canonical JSON where it is JSON.

  Digest key() const;
};

struct Recording {
  KnownRequest request;
  std::uint32_t ordinal = 1;  ///< The attempt's how manieth request it was.
  int status = 200;
  HeaderList headers;
  std::string answer;
  std::vector<std::size_t> chunks;  ///< Sizes, as the answer came; their sum is its size.
};

/// `run/task#attempt` -> `task`; a label of another form is itself the task.
std::string task_of_label(std::string_view label);

/// `base_url` and `secret` are the route's: they differ from attempt to attempt and are taken out,
/// as is `key`. So are the members of the body that clients fill with ids of their own: `metadata`,
/// `user`, `prompt_cache_key`, `safety_identifier`, `client_metadata`, and in `system` Claude
/// Code's `x-anthropic-billing-header`, and what `noise` names.
struct Hidden {
  std::string_view base_url;
  std::string_view secret;
  std::string_view key;
  engine::RequestNoise noise;
};
KnownRequest known_request(std::string_view label, std::string_view method, std::string_view path,
                           std::string_view body, const Hidden& hidden);

/// The headers of an answer that a client may need again.
HeaderList headers_to_keep(const HeaderList& headers);

/// One line of JSON, then the request's body, then the answer's bytes.
std::string write_recording(const Recording& recording);
Result<Recording> read_recording(std::string_view text);

}  // namespace interlock::gateway
