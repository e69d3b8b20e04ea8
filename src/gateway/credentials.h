#pragma once

#include <string>
#include <string_view>

#include "gateway/http.h"
#include "gateway/secret.h"

namespace interlock::gateway {

/// A request's target, parted.
struct Target {
  std::string_view secret;  ///< The first segment.
  std::string rest;         ///< What follows: empty, or from `/` or `?`.
};
Target part_target(std::string_view target);

/// What goes on to the provider: without what was meant for this hop, and with the real key
/// wherever the client showed the route's secret as one. A credential of the client's own stays.
HeaderList headers_for_upstream(const HeaderList& headers, std::string_view secret,
                                const Secret& key);
/// The same for `?key=`.
std::string rest_for_upstream(std::string rest, std::string_view secret, const Secret& key);
/// What goes back to the client: without what was meant for this hop, and without a length.
HeaderList headers_for_client(const HeaderList& headers);
/// Whether the header carries a credential, whosever.
bool is_credential(std::string_view name);

}  // namespace interlock::gateway
