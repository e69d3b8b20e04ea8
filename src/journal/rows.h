#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "engine/ports.h"
#include "journal/codec.h"
#include "journal/database.h"

// How events, requests and contents lie in the tables.
namespace interlock::journal {

/// Reads the row that `query` stands on: seq, at, name, body.
Result<engine::RecordedEvent> event_of(const Query& query);
/// Reads the row that `query` stands on: number, kind, task, by, body. Nothing for a kind of a
/// newer Interlock.
std::optional<engine::Request> request_of(const Query& query);

/// The run's number; `missing` where there is no such run.
Result<std::int64_t> number_of_run(Database& database, const std::string& run);

/// Puts a content in, within the transaction that is open, where it is not there yet.
void write_blob(Database& database, const engine::Blob& blob);
/// The content with this digest, held to it.
Result<std::string> read_blob(Database& database, const Digest& digest);

}  // namespace interlock::journal
