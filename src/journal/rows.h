#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/event.h"
#include "engine/ports.h"
#include "journal/database.h"

// How facts, requests and ingredients lie in the tables.
namespace interlock::journal {

/// Reads the row that `query` stands on: seq, at, name, body.
Result<engine::Event> event_of(const Query& query);
std::string body_of(const engine::Fact& fact);

std::string write_ingredients(const std::vector<engine::Ingredient>& ingredients);
Result<std::vector<engine::Ingredient>> read_ingredients(std::string_view text);

std::string name_of(engine::Request::Kind kind);
/// Reads the row that `query` stands on: number, kind, task, by. Nothing for a kind of a newer
/// Interlock.
std::optional<engine::Request> request_of(const Query& query);

/// Puts a content in, within the transaction that is open, where it is not there yet.
void write_blob(Database& database, const engine::Blob& blob);
/// The content with this digest, held to it.
Result<std::string> read_blob(Database& database, const Digest& digest);

}  // namespace interlock::journal
