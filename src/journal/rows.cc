#include "journal/rows.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace interlock::journal {
namespace {

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
  return read_event(query.number(0), query.time(1), query.view(2), query.view(3));
}

std::optional<engine::Request> request_of(const Query& query) {
  const auto kind = request_kind(query.view(1));
  if (!kind) return std::nullopt;
  return engine::Request{query.number(0), *kind, query.text(2), query.text(3), query.text(4)};
}

Result<std::int64_t> number_of_run(Database& database, const std::string& run) {
  Query row(database, "SELECT number FROM runs WHERE id = ?", run);
  if (row.next()) return row.number(0);
  return fail(Error::Kind::missing, fmt::format("there is no run `{}`", run),
              "`interlock runs` lists them");
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
