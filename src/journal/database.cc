#include "journal/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "journal/format.h"
#include "journal/samples.h"
#include "journal/store.h"

namespace interlock::journal {
namespace {

namespace fs = std::filesystem;

/// How long a writer waits for another dispatcher's transaction; theirs take milliseconds.
constexpr int kBusyTimeoutMs = 10'000;

constexpr const char* kOtherState = "name another folder with `--state`";

/// Lets one process at a time make a new journal in a folder.
class FolderTurn {
 public:
  explicit FolderTurn(const std::string& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~FolderTurn() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderTurn(const FolderTurn&) = delete;
  FolderTurn& operator=(const FolderTurn&) = delete;

 private:
  int descriptor_;
};

/// Makes the folder and an empty file in it for the owner alone: prompts and answers are nobody
/// else's business.
Result<void> make_place(const std::string& folder, const std::string& path) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error)
    return fail(Error::Kind::io,
                fmt::format("cannot make the state folder `{}`: {}", folder, error.message()),
                kOtherState);
  if (made) fs::permissions(folder, fs::perms::owner_all, error);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return fail(Error::Kind::io,
                fmt::format("cannot open the journal `{}`: {}", path, std::strerror(errno)),
                kOtherState);
  }
  ::close(file);
  return {};
}

std::int64_t pragma(SQLite::Database& sqlite, const char* name) {
  return sqlite.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

bool is_empty(SQLite::Database& sqlite) {
  return sqlite.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64() == 0;
}

Result<void> check_format(SQLite::Database& sqlite, const std::string& path) {
  if (pragma(sqlite, "application_id") != kApplicationId) {
    return fail(Error::Kind::refused, fmt::format("`{}` is the database of another program", path),
                kOtherState);
  }
  const std::int64_t version = pragma(sqlite, "user_version");
  if (version > kFormatVersion) {
    return fail(
        Error::Kind::refused,
        fmt::format("the journal `{}` has format {}, and this Interlock knows formats up to {}",
                    path, version, kFormatVersion),
        "use the newer Interlock that wrote it, or name another folder with `--state`");
  }
  return {};
}

/// Tables, version and identity come in one transaction: a half-made journal is an empty one.
void make_tables(SQLite::Database& sqlite) {
  sqlite.exec("PRAGMA auto_vacuum = INCREMENTAL");
  sqlite.exec("PRAGMA journal_mode = WAL");
  SQLite::Transaction transaction(sqlite, SQLite::TransactionBehavior::IMMEDIATE);
  sqlite.exec(kTables);
  sqlite.exec(kColumnsOfFormat4);
  sqlite.exec(kTablesOfFormat4);
  sqlite.exec(kColumnsOfFormat6);
  sqlite.exec(kTablesOfFormat10);
  sqlite.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
  sqlite.exec(fmt::format("PRAGMA user_version = {}", kFormatVersion));
  transaction.commit();
}

/// Brings an older journal up to this format; what it holds stays as it is.
void bring_up(SQLite::Database& sqlite) {
  const std::int64_t version = pragma(sqlite, "user_version");
  if (version >= kFormatVersion) return;
  SQLite::Transaction transaction(sqlite, SQLite::TransactionBehavior::IMMEDIATE);
  if (version < 4) {
    bring_up_samples(sqlite);
    sqlite.exec(kColumnsOfFormat4);
  }
  if (version < 6) sqlite.exec(kColumnsOfFormat6);
  if (version < 10) sqlite.exec(kTablesOfFormat10);
  sqlite.exec(fmt::format("PRAGMA user_version = {}", kFormatVersion));
  transaction.commit();
}

/// SQLite cannot read a WAL database in a folder that it may not write to, unless it is told that
/// nobody else does.
std::string read_only_uri(const std::string& folder, const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      uri += c;
  }
  const bool frozen =
      ::access(folder.c_str(), W_OK) != 0 && ::access((path + "-wal").c_str(), F_OK) != 0;
  return frozen ? uri + "?immutable=1" : uri;
}

std::string explanation(int code, int extended) {
  switch (code) {
    case SQLITE_FULL: return "the disk is full";
    case SQLITE_READONLY:
      return extended == SQLITE_READONLY_DBMOVED ? "it was moved or deleted"
                                                 : "it may not be written";
    case SQLITE_PERM:
    case SQLITE_AUTH: return "not allowed";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fmt::format("another process has kept it locked for {} s", kBusyTimeoutMs / 1000);
    case SQLITE_CORRUPT: return "it is damaged";
    case SQLITE_NOTADB: return "it is not a SQLite database";
    case SQLITE_CANTOPEN: return "it cannot be opened";
    case SQLITE_TOOBIG: return "one of its entries would be larger than 1 GB";
    default: return {};
  }
}

std::string advice(int code) {
  switch (code) {
    case SQLITE_FULL: return "free some space, then `interlock resume`";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "`sqlite3 interlock.db .recover` saves what can be read; to begin anew, move the file "
             "away";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return kOtherState;
    default: return {};
  }
}

}  // namespace

Error Database::reported(const std::string& path, std::string_view doing,
                         const SQLite::Exception& thrown) {
  const int extended = thrown.getExtendedErrorCode();
  const int code = extended < 0 ? extended : extended & 0xff;
  std::string why = explanation(code, extended);
  if (why.empty()) why = thrown.what();
  return {code == SQLITE_BUSY ? Error::Kind::refused : Error::Kind::io,
          fmt::format("cannot {} the journal `{}`: {}", doing, path, why), advice(code)};
}

Database::Database(std::string path, const std::string& uri, int flags)
    : path_(std::move(path)),
      sqlite_(uri, flags | SQLite::OPEN_URI | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs) {
  sqlite_.exec("PRAGMA foreign_keys = ON");
}

Result<std::unique_ptr<Database>> Database::open(const std::string& state_folder, Access access) {
  const std::string path = (fs::path(state_folder) / kFileName).string();
  const bool writes = access == Access::write;
  if (writes) {
    if (auto made = make_place(state_folder, path); !made) return std::unexpected(made.error());
  } else if (::access(path.c_str(), F_OK) != 0) {
    // What cannot be looked into may hold any number of runs: it is not the same as none.
    if (errno != ENOENT) {
      return fail(Error::Kind::io,
                  fmt::format("cannot read the journal `{}`: {}", path, std::strerror(errno)),
                  kOtherState);
    }
    return fail(Error::Kind::missing, fmt::format("there is no journal `{}`", path),
                "nothing was run yet with this state folder; `interlock run FILE` makes it");
  }
  try {
    const std::string name = writes ? path : read_only_uri(state_folder, path);
    std::unique_ptr<Database> database(
        new Database(path, name, writes ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY));
    SQLite::Database& sqlite = database->sqlite_;
    if (writes) {
      const FolderTurn turn(state_folder);
      if (is_empty(sqlite)) make_tables(sqlite);
    } else if (is_empty(sqlite)) {
      return fail(Error::Kind::missing, fmt::format("the journal `{}` is empty", path));
    }
    if (auto known = check_format(sqlite, path); !known) return std::unexpected(known.error());
    if (writes) {
      const FolderTurn turn(state_folder);
      bring_up(sqlite);
      sqlite.exec("PRAGMA synchronous = FULL");
      sqlite.exec("PRAGMA journal_size_limit = 67108864");
    }
    ::stat(path.c_str(), &database->file_);
    return database;
  } catch (const SQLite::Exception& thrown) {
    return std::unexpected(reported(path, "open", thrown));
  }
}

Result<void> Database::still_there() const {
  struct stat now{};
  if (::stat(path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino)
    return {};
  return fail(Error::Kind::io,
              fmt::format("cannot write the journal `{}`: it was moved or deleted", path_),
              "put it back, then `interlock resume`");
}

SQLite::Statement& Database::prepared(const char* sql) {
  auto found = prepared_.find(sql);
  if (found == prepared_.end())
    found = prepared_.emplace(sql, SQLite::Statement(sqlite_, sql)).first;
  return found->second;
}

std::optional<Digest> Query::digest(int column) const {
  const std::string_view bytes = view(column);
  Digest digest;
  if (bytes.size() != digest.bytes.size()) return std::nullopt;
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  return digest;
}

}  // namespace interlock::journal
