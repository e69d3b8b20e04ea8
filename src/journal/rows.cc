#include "journal/rows.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/json.h"

namespace interlock::journal {
namespace {

constexpr std::array<std::string_view, 10> kRequestKinds = {
    "approve", "reject", "cancel_task", "cancel_run", "retry",
    "add",     "close",  "hold",        "release",    "retune"};

/// Names of files and lines that programs print need not be UTF-8, and a journal must stay readable
/// whatever is in it.
json::parse_options lenient() {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  return options;
}

std::unexpected<Error> damaged(std::string what) {
  return fail(Error::Kind::io, fmt::format("the journal is damaged: {}", what));
}

/// From here on a content is written in pieces: in one, SQLite would make a copy of it.
constexpr std::size_t kStreamedFrom = 256U << 10;
constexpr std::size_t kPieceBytes = 256U << 10;

/// The bytes of one row of `blobs`, read and written in place.
class OpenBlob {
 public:
  OpenBlob(Database& database, std::int64_t row, bool to_write)
      : sqlite_(database.sqlite().getHandle()) {
    run_lock(::sqlite3_blob_open(sqlite_, "main", "blobs", "bytes", row, to_write ? 1 : 0, &blob_));
  }
  ~OpenBlob() { ::sqlite3_blob_close(blob_); }
  OpenBlob(const OpenBlob&) = delete;
  OpenBlob& operator=(const OpenBlob&) = delete;

  void write(std::string_view piece, std::size_t at) const {
    run_lock(::sqlite3_blob_write(blob_, piece.data(), static_cast<int>(piece.size()),
                                  static_cast<int>(at)));
  }
  /// As many bytes as `into` has.
  void read(std::string& into) const {
    run_lock(::sqlite3_blob_read(blob_, into.data(), static_cast<int>(into.size()), 0));
  }

 private:
  void run_lock(int code) const {
    if (code != SQLITE_OK) throw SQLite::Exception(sqlite_, code);
  }

  sqlite3* sqlite_;
  sqlite3_blob* blob_ = nullptr;
};

}  // namespace

Result<engine::RecordedEvent> event_of(const Query& query) {
  // Most bodies fit here, which saves a million allocations on a long run.
  std::array<unsigned char, 2048> memory;
  json::monotonic_resource resource(memory.data(), memory.size());
  boost::system::error_code error;
  const std::int64_t seq = query.number(0);
  const json::value body = json::parse(query.view(3), error, &resource, lenient());
  if (error || !body.is_object()) return damaged(fmt::format("event {} is not a JSON object", seq));
  auto event = engine::event_from_json(query.view(2), body.get_object());
  if (!event) return within(std::move(event.error()), fmt::format("event {}", seq));
  return engine::RecordedEvent{static_cast<std::uint64_t>(seq), query.time(1), std::move(*event)};
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

std::optional<engine::Request> request_of(const Query& query) {
  for (std::size_t i = 0; i < kRequestKinds.size(); ++i) {
    if (kRequestKinds[i] != query.view(1)) continue;
    return engine::Request{query.number(0), static_cast<engine::Request::Kind>(i), query.text(2),
                           query.text(3), query.text(4)};
  }
  return std::nullopt;
}

void write_blob(Database& database, const engine::Blob& blob) {
  if (blob.bytes.size() < kStreamedFrom) {
    Query(database, "INSERT INTO blobs(digest, bytes) VALUES(?, ?) ON CONFLICT DO NOTHING",
          blob.digest, std::string_view(blob.bytes))
        .run();
    return;
  }
  Query room(database,
             "INSERT INTO blobs(digest, bytes) VALUES(?, zeroblob(?)) ON CONFLICT DO NOTHING"
             " RETURNING rowid",
             blob.digest, static_cast<std::int64_t>(blob.bytes.size()));
  if (!room.next()) return;
  const std::int64_t row = room.number(0);
  while (room.next()) {
  }
  const OpenBlob place(database, row, true);
  for (std::size_t at = 0; at < blob.bytes.size(); at += kPieceBytes) {
    const std::size_t size = std::min(kPieceBytes, blob.bytes.size() - at);
    place.write(std::string_view(blob.bytes).substr(at, size), at);
  }
}

Result<std::string> read_blob(Database& database, const Digest& digest) {
  return database.guarded("read", [&]() -> Result<std::string> {
    Query query(database, "SELECT rowid, length(bytes) FROM blobs WHERE digest = ?", digest);
    if (!query.next()) {
      return fail(Error::Kind::missing,
                  fmt::format("the journal has no content `{}`", digest.brief()),
                  "its run was pruned; run the task again");
    }
    std::string bytes(static_cast<std::size_t>(query.number(1)), '\0');
    if (!bytes.empty()) OpenBlob(database, query.number(0), false).read(bytes);
    if (digest_of(bytes) != digest)
      return damaged(fmt::format("content `{}` is not what was stored", digest.brief()));
    return bytes;
  });
}

}  // namespace interlock::journal
