#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "engine/ports.h"

// How events, requests and parts of the cache key are written in any store.
namespace interlock::journal {

/// An event out of its name and body; an error says that the journal is damaged.
Result<engine::RecordedEvent> read_event(std::int64_t seq, Time at, std::string_view name,
                                         std::string_view body);
std::string body_of(const engine::Event& event);
/// The content that an event refers to: it stays for as long as the run does.
std::optional<Digest> content_of(const engine::Event& event);

std::string write_cache_key_parts(const std::vector<engine::CacheKeyPart>& cache_key_parts);
Result<std::vector<engine::CacheKeyPart>> read_cache_key_parts(std::string_view text);

std::string name_of(engine::Request::Kind kind);
/// Nothing for a kind of a newer Interlock.
std::optional<engine::Request::Kind> request_kind(std::string_view name);

/// ``the journal is damaged: ...``
std::unexpected<Error> damaged(const std::string& what);

}  // namespace interlock::journal
