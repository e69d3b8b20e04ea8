#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace interlock::cli {

/// Whether it is an address and no file.
bool is_url(const std::string& target);

/// Sends each body to an OTLP receiver (`/v1/traces` where the URL has no path), with the headers
/// that OTEL_EXPORTER_OTLP_HEADERS names (`key=value,...`). Once more, up to four times, where the
/// receiver asks for it (429, 502, 503, 504), after what its Retry-After says, at most ten seconds.
/// Over plain HTTP to this machine only.
Result<void> post_otlp(const std::string& url, const std::vector<std::string>& bodies);

/// Whether anything may be sent there at all.
Result<void> check_url(const std::string& url);
/// The same of one body, to the URL as it stands.
Result<void> post_json(const std::string& url, const std::string& body);

}  // namespace interlock::cli
