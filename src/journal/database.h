#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"

// SQLite, as this folder uses it. Included by .cc files here only.
namespace interlock::journal {

enum class Access : unsigned char;

/// The open database: checked to be a journal of a version we know, statements kept prepared.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& state_folder, Access access);

  const std::string& path() const { return path_; }
  SQLite::Database& sqlite() { return sqlite_; }
  SQLite::Statement& prepared(const char* sql);

  /// Whether `path` still leads to the file that is open. SQLite would go on writing into a deleted
  /// one.
  Result<void> still_there() const;

  /// Runs `work`, a function that returns a Result, and tells what SQLite throws as an error:
  /// `cannot <doing> the journal ...`.
  template <typename Work>
  auto guarded(std::string_view doing, Work&& work) -> decltype(work()) {
    try {
      return work();
    } catch (const SQLite::Exception& thrown) {
      return std::unexpected(told(path_, doing, thrown));
    }
  }

  static Error told(const std::string& path, std::string_view doing,
                    const SQLite::Exception& thrown);

 private:
  Database(std::string path, const std::string& uri, int flags);

  std::string path_;
  SQLite::Database sqlite_;
  struct stat file_{};
  std::map<const char*, SQLite::Statement> prepared_;  ///< By the literal's address.
};

/// A prepared statement in use: bound from left to right, stepped, and reset when it goes, so that
/// none keeps a read transaction open.
class Query {
 public:
  template <typename... Values>
  Query(Database& database, const char* sql, const Values&... values)
      : Query(database.prepared(sql), values...) {}
  template <typename... Values>
  explicit Query(SQLite::Statement& statement, const Values&... values) : statement_(statement) {
    [[maybe_unused]] int place = 0;
    (bind(++place, values), ...);
  }
  ~Query() {
    statement_.tryReset();
    statement_.clearBindings();
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  bool next() { return statement_.executeStep(); }
  void run() { statement_.exec(); }

  bool is_null(int column) const { return statement_.isColumnNull(column); }
  std::int64_t number(int column) const { return statement_.getColumn(column).getInt64(); }
  std::optional<std::int64_t> maybe_number(int column) const {
    return is_null(column) ? std::nullopt : std::optional(number(column));
  }
  Time time(int column) const { return Time(Duration(number(column))); }
  /// Text or bytes, valid until the next step.
  std::string_view view(int column) const {
    const SQLite::Column value = statement_.getColumn(column);
    const void* bytes = value.getBlob();
    return {static_cast<const char*>(bytes), static_cast<std::size_t>(value.getBytes())};
  }
  std::string text(int column) const { return std::string(view(column)); }
  std::optional<Digest> digest(int column) const;

 private:
  // Bound values are not copied: the caller keeps them for as long as the query lives.
  void bind(int place, std::int64_t value) { statement_.bind(place, value); }
  void bind(int place, Time value) {
    statement_.bind(place, std::int64_t{value.time_since_epoch().count()});
  }
  void bind(int place, const std::string& value) { statement_.bindNoCopy(place, value); }
  void bind(int place, const Digest& value) {
    statement_.bindNoCopy(place, value.bytes.data(), static_cast<int>(value.bytes.size()));
  }
  void bind(int place, const std::optional<std::int64_t>& value) {
    value ? statement_.bind(place, *value) : statement_.bind(place);
  }
  void bind(int place, const std::optional<Digest>& value) {
    value ? bind(place, *value) : statement_.bind(place);
  }
  /// As a blob.
  void bind(int place, std::string_view value) {
    statement_.bindNoCopy(place, value.data(), static_cast<int>(value.size()));
  }

  SQLite::Statement& statement_;
};

}  // namespace interlock::journal
