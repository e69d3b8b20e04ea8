#include "journal/codec.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/json.h"

namespace interlock::journal {
namespace {

constexpr std::array<std::string_view, 13> kRequestKinds = {
    "approve", "reject",  "cancel_task", "cancel_run", "retry", "add", "close",
    "hold",    "release", "retune",      "post",       "send",  "move"};

/// Names of files and lines that programs print need not be UTF-8, and a journal must stay readable
/// whatever is in it.
json::parse_options lenient() {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return options;
}

}  // namespace

std::unexpected<Error> damaged(const std::string& what) {
  return fail(Error::Kind::io, fmt::format("the journal is damaged: {}", what));
}

Result<engine::RecordedEvent> read_event(std::int64_t seq, Time at, std::string_view name,
                                         std::string_view body) {
  // Most bodies fit here, which saves a million allocations on a long run.
  std::array<unsigned char, 2048> memory;
  json::monotonic_resource resource(memory.data(), memory.size());
  boost::system::error_code error;
  const json::value value = json::parse(body, error, &resource, lenient());
  if (error || !value.is_object())
    return damaged(fmt::format("event {} is not a JSON object", seq));
  auto event = engine::event_from_json(name, value.get_object());
  if (!event) return within(std::move(event.error()), fmt::format("event {}", seq));
  return engine::RecordedEvent{static_cast<std::uint64_t>(seq), at, std::move(*event)};
}

std::optional<Digest> content_of(const engine::Event& event) {
  if (const auto* ended = std::get_if<engine::AttemptEnded>(&event)) return ended->output;
  if (const auto* done = std::get_if<engine::TaskDone>(&event)) return done->output;
  if (const auto* merged = std::get_if<engine::MergeMade>(&event)) return merged->output;
  return std::nullopt;
}

std::string body_of(const engine::Event& event) { return json::serialize(engine::to_json(event)); }

std::string write_cache_key_parts(const std::vector<engine::CacheKeyPart>& cache_key_parts) {
  json::array list;
  for (const engine::CacheKeyPart& one : cache_key_parts)
    list.push_back(json::array{one.name, one.digest.hex()});
  return json::serialize(list);
}

Result<std::vector<engine::CacheKeyPart>> read_cache_key_parts(std::string_view text) {
  std::vector<engine::CacheKeyPart> cache_key_parts;
  boost::system::error_code error;
  const json::value list = json::parse(text, error, {}, lenient());
  if (error || !list.is_array()) return damaged("a result's ingredients are no JSON array");
  for (const json::value& one : list.get_array()) {
    const json::array* pair = one.if_array();
    const bool whole =
        pair != nullptr && pair->size() == 2 && (*pair)[0].is_string() && (*pair)[1].is_string();
    const auto digest = whole ? Digest::from_hex((*pair)[1].get_string()) : std::nullopt;
    if (!digest) return damaged("a result's ingredient is not a pair of name and digest");
    cache_key_parts.push_back({std::string((*pair)[0].get_string()), *digest});
  }
  return cache_key_parts;
}

std::string name_of(engine::Request::Kind kind) {
  return std::string(kRequestKinds[static_cast<std::size_t>(kind)]);
}

std::optional<engine::Request::Kind> request_kind(std::string_view name) {
  for (std::size_t i = 0; i < kRequestKinds.size(); ++i) {
    if (kRequestKinds[i] == name) return static_cast<engine::Request::Kind>(i);
  }
  return std::nullopt;
}

}  // namespace interlock::journal
