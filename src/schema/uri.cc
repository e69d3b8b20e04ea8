#include "schema/uri.h"

#include <charconv>
#include <optional>
#include <vector>

namespace interlock::schema {
namespace {

/// The five parts of RFC 3986 section 3; a part that is not there differs from one that is empty.
struct Parts {
  std::optional<std::string> scheme, authority, query, fragment;
  std::string path;
};

Parts split(std::string_view text) {
  Parts parts;
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    parts.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (const std::size_t mark = text.find('?'); mark != std::string_view::npos) {
    parts.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  const std::size_t colon = text.find_first_of(":/");
  if (colon != std::string_view::npos && colon > 0 && text[colon] == ':') {
    parts.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    const std::size_t end = std::min(text.find('/', 2), text.size());
    parts.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  parts.path = text;
  return parts;
}

std::string join(const Parts& parts) {
  std::string text;
  if (parts.scheme) text += *parts.scheme + ":";
  if (parts.authority) text += "//" + *parts.authority;
  text += parts.path;
  if (parts.query) text += "?" + *parts.query;
  if (parts.fragment) text += "#" + *parts.fragment;
  return text;
}

/// Section 5.2.4.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool rooted = path.starts_with('/');
  bool ends_in_folder = false;
  std::size_t at = rooted ? 1 : 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    ends_in_folder = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != "." && !(segment.empty() && end == path.size())) {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string clean = rooted ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) clean.append(i == 0 ? "" : "/").append(kept[i]);
  if (ends_in_folder && !kept.empty()) clean += '/';
  return clean;
}

std::string merged(const Parts& base, const std::string& path) {
  if (base.authority && base.path.empty()) return "/" + path;
  const std::size_t slash = base.path.rfind('/');
  return slash == std::string::npos ? path : base.path.substr(0, slash + 1) + path;
}

}  // namespace

std::string resolve_uri(std::string_view base_text, std::string_view reference_text) {
  const Parts base = split(base_text);
  Parts target = split(reference_text);
  if (target.scheme) return join(target);
  target.scheme = base.scheme;
  if (target.authority) {
    target.path = without_dots(target.path);
    return join(target);
  }
  target.authority = base.authority;
  if (target.path.empty()) {
    target.path = base.path;
    if (!target.query) target.query = base.query;
  } else {
    target.path =
        without_dots(target.path.starts_with('/') ? target.path : merged(base, target.path));
  }
  return join(target);
}

SplitUri split_fragment(std::string_view uri) {
  const std::size_t hash = std::min(uri.find('#'), uri.size());
  SplitUri parts{std::string(uri.substr(0, hash)), {}};
  std::string_view rest = uri.substr(std::min(hash + 1, uri.size()));
  while (!rest.empty()) {
    unsigned char byte = static_cast<unsigned char>(rest.front());
    std::size_t taken = 1;
    if (byte == '%' && rest.size() >= 3) {
      const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + 3, byte, 16);
      if (error == std::errc() && end == rest.data() + 3)
        taken = 3;
      else
        byte = '%';
    }
    parts.fragment += static_cast<char>(byte);
    rest.remove_prefix(taken);
  }
  return parts;
}

}  // namespace interlock::schema
