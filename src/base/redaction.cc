#include "base/redaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/json.h"

namespace interlock {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters of base64 that depend on `secret` alone when `before` bytes (0 to 2) stand in
/// front of it in the same group of three.
std::string base64_inside(std::string_view secret, std::size_t before) {
  const std::string bytes = std::string(before, '\0') + std::string(secret);
  const std::size_t first = (before * 8 + 5) / 6;
  const std::size_t end = bytes.size() * 8 / 6;
  std::string text;
  for (std::size_t i = first; i < end; ++i) {
    const std::size_t bit = i * 6;
    std::uint32_t pair = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[bit / 8]))
                         << 8U;
    if (bit / 8 + 1 < bytes.size()) pair |= static_cast<unsigned char>(bytes[bit / 8 + 1]);
    text += kBase64[pair >> (10U - bit % 8) & 0x3fU];
  }
  return text;
}

bool is_unreserved(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || std::string_view("-._~").contains(c);
}

std::string url_encoded(std::string_view secret, bool in_capitals) {
  std::string text;
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c)) {
      text += c;
    } else {
      text += in_capitals ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return text;
}

std::string json_escaped(std::string_view secret, bool slashes_too) {
  std::string text = canonical_json(json::value(secret));
  text = text.substr(1, text.size() - 2);
  if (!slashes_too) return text;
  for (std::size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 2))
    text.insert(at, 1, '\\');
  return text;
}

/// Names come from plans.
std::string shown_name(std::string_view name) {
  std::string shown(name.substr(0, 64));
  std::ranges::replace_if(shown, [](char c) { return !is_unreserved(c); }, '_');
  return shown;
}

}  // namespace

void Redaction::add_pattern(std::string bytes, const std::string& instead) {
  if (bytes.size() < kShortest) return;
  if (std::ranges::find(patterns_, bytes, &Pattern::bytes) != patterns_.end()) return;
  const auto shorter = std::ranges::find_if(
      patterns_, [&](const Pattern& one) { return one.bytes.size() < bytes.size(); });
  patterns_.insert(shorter, Pattern{std::move(bytes), instead});
}

void Redaction::add(std::string_view name, std::string_view secret) {
  if (secret.size() < kShortest) return;
  const std::string instead = "[key " + shown_name(name) + "]";
  add_pattern(std::string(secret), instead);
  for (const bool flag : {false, true}) {
    add_pattern(json_escaped(secret, flag), instead);
    add_pattern(url_encoded(secret, flag), instead);
  }
  for (std::size_t before = 0; before < 3; ++before) {
    std::string inside = base64_inside(secret, before);
    add_pattern(inside, instead);
    std::ranges::replace(inside, '+', '-');
    std::ranges::replace(inside, '/', '_');
    add_pattern(std::move(inside), instead);
  }
}

void Redaction::add(const Redaction& others) {
  for (const Pattern& pattern : others.patterns_) add_pattern(pattern.bytes, pattern.instead);
}

bool Redaction::holds_any(std::string_view text) const {
  return std::ranges::any_of(patterns_,
                             [&](const Pattern& one) { return text.find(one.bytes) != text.npos; });
}

void Redaction::replace_all(std::string_view text, std::string& out, std::size_t& done) const {
  // Where each pattern comes next; looked for again only when the one found is behind.
  std::vector<std::size_t> next(patterns_.size(), 0);
  for (std::size_t i = 0; i < patterns_.size(); ++i) next[i] = text.find(patterns_[i].bytes);
  done = 0;
  while (true) {
    std::size_t best = patterns_.size();
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (next[i] < done) next[i] = text.find(patterns_[i].bytes, done);
      if (next[i] != text.npos && (best == patterns_.size() || next[i] < next[best])) best = i;
    }
    if (best == patterns_.size()) return;
    out.append(text.substr(done, next[best] - done)).append(patterns_[best].instead);
    done = next[best] + patterns_[best].bytes.size();
  }
}

std::size_t Redaction::open_end(std::string_view text) const {
  std::size_t longest = 0;
  for (const Pattern& pattern : patterns_) {
    const std::string_view bytes = pattern.bytes;
    for (std::size_t size = std::min(bytes.size() - 1, text.size()); size > longest; --size) {
      if (!text.ends_with(bytes.substr(0, size))) continue;
      longest = size;
      break;
    }
  }
  return longest;
}

std::string Redaction::apply(std::string_view text) const {
  std::string out;
  std::size_t done = 0;
  replace_all(text, out, done);
  return out.append(text.substr(done));
}

void Redaction::apply_to(std::string& text) const {
  if (holds_any(text)) text = apply(text);
}

std::string RedactedStream::take(const Redaction& redaction, std::string_view bytes) {
  if (redaction.empty()) return std::string(bytes);
  held_.append(bytes);
  std::string out;
  std::size_t done = 0;
  redaction.replace_all(held_, out, done);
  const std::string_view rest = std::string_view(held_).substr(done);
  const std::size_t open = redaction.open_end(rest);
  out.append(rest.substr(0, rest.size() - open));
  held_ = std::string(rest.substr(rest.size() - open));
  return out;
}

}  // namespace interlock
