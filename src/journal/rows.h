#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "engine/ports.h"
#include "journal/database.h"

// How events, requests and parts of the cache key lie in the tables.
namespace interlock::journal {

/// Reads the row that `query` stands on: seq, at, name, body.
Result<engine::RecordedEvent> event_of(const Query& query);
std::string body_of(const engine::Event& event);

std::string write_cache_key_parts(const std::vector<engine::CacheKeyPart>& cache_key_parts);
Result<std::vector<engine::CacheKeyPart>> read_cache_key_parts(std::string_view text);

std::string name_of(engine::Request::Kind kind);
/// Reads the row that `query` stands on: number, kind, task, by, body. Nothing for a kind of a
/// newer Interlock.
std::optional<engine::Request> request_of(const Query& query);

/// Puts a content in, within the transaction that is open, where it is not there yet.
void write_blob(Database& database, const engine::Blob& blob);
/// The content with this digest, held to it.
Result<std::string> read_blob(Database& database, const Digest& digest);

}  // namespace interlock::journal
