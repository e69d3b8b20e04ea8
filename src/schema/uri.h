#pragma once

#include <string>
#include <string_view>

namespace interlock::schema {

/// `reference` as seen from `base` (RFC 3986 section 5.2), with its fragment.
std::string resolve_uri(std::string_view base, std::string_view reference);

/// The URI without its fragment, and the fragment with its percent signs decoded.
struct SplitUri {
  std::string document;
  std::string fragment;
};
SplitUri split_fragment(std::string_view uri);

}  // namespace interlock::schema
