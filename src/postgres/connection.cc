#include "postgres/connection.h"

#include <endian.h>
#include <fmt/format.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/check.h"
#include "base/text.h"

namespace interlock::postgres {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// Of pg_type, fixed for ever.
constexpr unsigned kInt8 = 20, kBytea = 17, kInt8Array = 1016, kByteaArray = 1001;

constexpr std::chrono::milliseconds kBetweenTries{150};

void put32(std::string& to, std::uint32_t value) {
  value = htobe32(value);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string bytes_of(std::int64_t value) {
  const std::uint64_t wire = htobe64(static_cast<std::uint64_t>(value));
  return {reinterpret_cast<const char*>(&wire), sizeof wire};
}

/// One dimension, from 1 on, no nulls.
std::string array_head(std::size_t size, unsigned type) {
  std::string head;
  put32(head, size == 0 ? 0 : 1);
  put32(head, 0);
  put32(head, type);
  if (size == 0) return head;
  put32(head, static_cast<std::uint32_t>(size));
  put32(head, 1);
  return head;
}

/// What libpq and the server say, without the host and the user that it names first.
std::string reason_in(const std::string& message) {
  for (const char* mark : {"FATAL:  ", "ERROR:  "}) {
    const std::size_t at = message.rfind(mark);
    if (at == message.npos) continue;
    const std::size_t begin = at + std::strlen(mark);
    return printable(message.substr(begin, message.find('\n', begin) - begin));
  }
  return {};
}

/// Why there is no connection. What is not known by its words is told as it is, after the part that
/// names user and address.
Error no_connection(const StoreUrl& url, const std::string& message) {
  const auto says = [&](const char* words) { return message.contains(words); };
  const std::string store = "the store, " + url.name();
  const auto unreachable = [&](const std::string& why) {
    return Error{Error::Kind::io, fmt::format("cannot reach {}: {}", store, why),
                 "check that the server runs and that the URL is right"};
  };
  if (message.starts_with("invalid "))
    return {Error::Kind::invalid,
            fmt::format("the store's URL has a part with a wrong value ({})", url.name()),
            "as in `postgres://ann@db.example:5432/runs`"};
  if (says("password authentication failed"))
    return {Error::Kind::refused, fmt::format("{} does not accept the password", store),
            "give the right one in the URL, in PGPASSWORD or in ~/.pgpass"};
  if (says("no password supplied"))
    return {Error::Kind::refused, fmt::format("{} asks for a password", store),
            "give it in the URL, in PGPASSWORD or in ~/.pgpass"};
  if (says("Connection refused") || says("No such file or directory"))
    return unreachable("no server answers there");
  if (says("could not translate host name")) return unreachable("its host name is not known");
  if (says("timeout expired")) return unreachable("no answer came in time");
  if (says("server is in hot standby mode") || says("session is read-only"))
    return unreachable("only a standby answers, which cannot be written");
  std::string reason = reason_in(message);
  if (reason.empty()) reason = "the connection failed";
  if (says("database \"") && says("does not exist"))
    return {Error::Kind::missing, fmt::format("cannot open {}: {}", store, reason),
            "make it with `createdb`"};
  return unreachable(reason);
}

struct Clear {
  void operator()(PGresult* result) const { ::PQclear(result); }
};

}  // namespace

microseconds uptime() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return seconds(now.tv_sec) +
         std::chrono::duration_cast<microseconds>(std::chrono::nanoseconds(now.tv_nsec));
}

void Parameters::add(std::int64_t value) { values_.push_back({kInt8, false, bytes_of(value)}); }
void Parameters::add(std::string_view value) {
  values_.push_back({kBytea, false, std::string(value)});
}
void Parameters::add(const Digest& value) {
  add(std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()));
}
void Parameters::add(const std::optional<std::int64_t>& value) {
  value ? add(*value) : values_.push_back({kInt8, true, {}});
}
void Parameters::add(const std::optional<Digest>& value) {
  value ? add(*value) : values_.push_back({kBytea, true, {}});
}
void Parameters::add(const std::vector<std::int64_t>& values) {
  std::string bytes = array_head(values.size(), kInt8);
  for (const std::int64_t value : values) {
    put32(bytes, sizeof value);
    bytes += bytes_of(value);
  }
  values_.push_back({kInt8Array, false, std::move(bytes)});
}
void Parameters::add(const std::vector<std::string>& values) {
  std::string bytes = array_head(values.size(), kBytea);
  for (const std::string& value : values) {
    put32(bytes, static_cast<std::uint32_t>(value.size()));
    bytes += value;
  }
  values_.push_back({kByteaArray, false, std::move(bytes)});
}

Rows::Rows(pg_result* result) : result_(result, &::PQclear) {}
std::size_t Rows::size() const { return static_cast<std::size_t>(::PQntuples(result_.get())); }
bool Rows::is_null(std::size_t row, int column) const {
  return ::PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}
std::int64_t Rows::number(std::size_t row, int column) const {
  const std::string_view bytes = view(row, column);
  std::uint64_t wire = 0;
  check(bytes.size() == sizeof wire, "numbers are bigint");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  return static_cast<std::int64_t>(be64toh(wire));
}
std::optional<std::int64_t> Rows::maybe_number(std::size_t row, int column) const {
  return is_null(row, column) ? std::nullopt : std::optional(number(row, column));
}
std::string_view Rows::view(std::size_t row, int column) const {
  return {::PQgetvalue(result_.get(), static_cast<int>(row), column),
          static_cast<std::size_t>(::PQgetlength(result_.get(), static_cast<int>(row), column))};
}
std::optional<Digest> Rows::digest(std::size_t row, int column) const {
  const std::string_view bytes = view(row, column);
  Digest digest;
  if (is_null(row, column) || bytes.size() != digest.bytes.size()) return std::nullopt;
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  return digest;
}

Connection::Connection(StoreUrl url, Options options) : url_(std::move(url)), options_(options) {}
Connection::~Connection() { close(); }

void Connection::close() {
  if (connection_ != nullptr) ::PQfinish(std::exchange(connection_, nullptr));
  prepared_.clear();
}

int Connection::socket() const { return connection_ == nullptr ? -1 : ::PQsocket(connection_); }

Result<std::unique_ptr<Connection>> Connection::open(StoreUrl url, Options options) {
  std::unique_ptr<Connection> made(new Connection(std::move(url), options));
  if (auto connected = made->connect(); !connected) return std::unexpected(connected.error());
  return made;
}

Result<void> Connection::connect() {
  close();
  const auto limit = std::chrono::floor<seconds>(options_.connect_at_most).count();
  std::map<std::string, std::string> parameters{{"connect_timeout", std::to_string(limit)},
                                                {"fallback_application_name", "interlock"},
                                                {"keepalives_idle", "5"},
                                                {"keepalives_interval", "2"},
                                                {"keepalives_count", "3"},
                                                {"tcp_user_timeout", "10000"}};
  const bool writes = options_.access == journal::Access::write;
  if (writes) parameters["target_session_attrs"] = "read-write";
  for (const auto& [name, value] : url_.parameters) parameters[name] = value;
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = ::PQconnectdbParams(names.data(), values.data(), 0);
  if (connection_ == nullptr || ::PQstatus(connection_) != CONNECTION_OK) {
    const std::string message = connection_ == nullptr ? "" : ::PQerrorMessage(connection_);
    close();
    return std::unexpected(no_connection(url_, message));
  }
  ::PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
  std::string session = "SET search_path = interlock; SET client_encoding = 'UTF8';";
  if (!writes) session += "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;";
  if (auto set = script(session); !set) {
    close();
    return std::unexpected(set.error().error);
  }
  return {};
}

Failure Connection::failure(pg_result* result) const {
  const char* state = result == nullptr ? nullptr : ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string code = state == nullptr ? "" : state;
  // 57P01 to 57P03: the server is stopped, has crashed, or is starting; 25006: it is a standby now.
  const bool lost = connection_ == nullptr || ::PQstatus(connection_) != CONNECTION_OK ||
                    code.empty() || code.starts_with("57P0") || code == "25006" ||
                    code.starts_with("08");
  const std::string message = result == nullptr ? "" : ::PQresultErrorMessage(result);
  std::string reason = reason_in(message);
  if (reason.empty()) reason = "the connection was lost";
  Error error{Error::Kind::io, fmt::format("the store, {}: {}", url_.name(), reason), {}};
  if (code == "3F000" || code == "42P01")
    error = {Error::Kind::missing, fmt::format("the store, {}, has no runs yet", url_.name()),
             "`interlock run FILE` with this store makes its tables"};
  if (code == "42501")
    error.hint = "the database's owner grants it: `grant all on schema interlock to ...`";
  if (code == "53100") error.hint = "free some space on the server, then `interlock resume`";
  return {lost, std::move(error)};
}

Outcome<std::unique_ptr<pg_result, void (*)(pg_result*)>> Connection::result_by(
    microseconds deadline) {
  using Held = std::unique_ptr<pg_result, void (*)(pg_result*)>;
  Held last(nullptr, &::PQclear);
  for (;;) {
    while (::PQisBusy(connection_) != 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - uptime());
      pollfd watched{::PQsocket(connection_), POLLIN, 0};
      const int ready =
          left.count() <= 0
              ? 0
              : ::poll(&watched, 1,
                       static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) {
        close();
        return std::unexpected(
            Failure{true,
                    {Error::Kind::io,
                     fmt::format("the store, {}: no answer came in time", url_.name()),
                     {}}});
      }
      if (::PQconsumeInput(connection_) == 0) {
        Failure why = failure(nullptr);
        why.lost = true;
        return std::unexpected(std::move(why));
      }
    }
    pg_result* const result = ::PQgetResult(connection_);
    if (result == nullptr) return last;
    // The first error is the one that counts.
    const bool is_failed = last != nullptr && ::PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (is_failed)
      ::PQclear(result);
    else
      last.reset(result);
  }
}

Outcome<Rows> Connection::run(const char* sql, const Parameters& parameters) {
  if (connection_ == nullptr) return std::unexpected(failure(nullptr));
  const microseconds deadline = uptime() + options_.statement_at_most;
  std::vector<unsigned> types;
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const Parameters::Value& one : parameters.values_) {
    types.push_back(one.type);
    values.push_back(one.is_null ? nullptr : one.bytes.data());
    lengths.push_back(static_cast<int>(one.bytes.size()));
    formats.push_back(1);
  }
  const int count = static_cast<int>(values.size());
  auto known = prepared_.find(sql);
  if (known == prepared_.end()) {
    const std::string name = fmt::format("s{}", prepared_.size());
    if (::PQsendPrepare(connection_, name.c_str(), sql, count, types.data()) == 0)
      return std::unexpected(failure(nullptr));
    auto prepared = result_by(deadline);
    if (!prepared) return std::unexpected(prepared.error());
    if (*prepared == nullptr || ::PQresultStatus(prepared->get()) != PGRES_COMMAND_OK)
      return std::unexpected(failure(prepared->get()));
    known = prepared_.emplace(sql, name).first;
  }
  if (::PQsendQueryPrepared(connection_, known->second.c_str(), count, values.data(),
                            lengths.data(), formats.data(), 1) == 0)
    return std::unexpected(failure(nullptr));
  auto result = result_by(deadline);
  if (!result) return std::unexpected(result.error());
  const auto status = *result == nullptr ? PGRES_FATAL_ERROR : ::PQresultStatus(result->get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    return std::unexpected(failure(result->get()));
  return Rows(result->release());
}

Outcome<void> Connection::script(const std::string& sql) {
  if (connection_ == nullptr || ::PQsendQuery(connection_, sql.c_str()) == 0)
    return std::unexpected(failure(nullptr));
  auto result = result_by(uptime() + options_.statement_at_most);
  if (!result) return std::unexpected(result.error());
  if (*result == nullptr || ::PQresultStatus(result->get()) == PGRES_FATAL_ERROR)
    return std::unexpected(failure(result->get()));
  return {};
}

Result<void> Connection::reconnect() {
  const microseconds until = until_ ? until_() : uptime() + kUsualPatience;
  for (;;) {
    auto connected = connect();
    if (connected || uptime() >= until) return connected;
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Result<Rows> Connection::ask(const char* sql, const Parameters& parameters) {
  constexpr int kTriesMax = 5;
  for (int tries = 0;; ++tries) {
    auto rows = run(sql, parameters);
    if (rows) return std::move(*rows);
    if (!rows.error().lost || tries == kTriesMax) return std::unexpected(rows.error().error);
    if (auto again = reconnect(); !again) return std::unexpected(again.error());
  }
}

bool Connection::wait_for_notice(Duration at_most) {
  if (connection_ == nullptr) {
    std::this_thread::sleep_for(at_most);
    return false;
  }
  pollfd watched{::PQsocket(connection_), POLLIN, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_most);
  if (::poll(&watched, 1, static_cast<int>(left.count())) > 0) {
    if (::PQconsumeInput(connection_) == 0) close();
  }
  bool came = false;
  while (connection_ != nullptr) {
    PGnotify* const notice = ::PQnotifies(connection_);
    if (notice == nullptr) break;
    came = true;
    ::PQfreemem(notice);
  }
  return came;
}

Transaction::~Transaction() {
  if (is_open_) static_cast<void>(connection_.script("ROLLBACK"));
}
Outcome<void> Transaction::begin() {
  auto begun = connection_.script("BEGIN");
  is_open_ = begun.has_value();
  return begun;
}
Outcome<void> Transaction::commit() {
  is_open_ = false;
  auto done = connection_.run("COMMIT");
  if (!done) return std::unexpected(done.error());
  return {};
}

}  // namespace interlock::postgres
