#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "journal/store.h"
#include "postgres/store_url.h"

struct pg_conn;
struct pg_result;

// libpq, as this folder uses it: numbers are bigint, all else is bytea, so that any bytes can be
// kept; both go over the wire in binary.
namespace interlock::postgres {

/// What a statement is given, in the order of its $1, $2, ...
class Parameters {
 public:
  template <typename... Values>
  explicit Parameters(const Values&... values) {
    (add(values), ...);
  }

  void add(std::int64_t value);
  void add(Time value) { add(std::int64_t{value.time_since_epoch().count()}); }
  void add(std::string_view value);
  void add(const std::string& value) { add(std::string_view(value)); }
  void add(const Digest& value);
  void add(const std::optional<std::int64_t>& value);
  void add(const std::optional<Digest>& value);
  void add(const std::vector<std::int64_t>& values);
  void add(const std::vector<std::string>& values);

 private:
  friend class Connection;
  struct Value {
    unsigned type = 0;
    bool is_null = false;
    std::string bytes;
  };
  std::vector<Value> values_;
};

/// What a statement answered.
class Rows {
 public:
  explicit Rows(pg_result* result);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  bool is_null(std::size_t row, int column) const;
  std::int64_t number(std::size_t row, int column) const;
  std::optional<std::int64_t> maybe_number(std::size_t row, int column) const;
  Time time(std::size_t row, int column) const { return Time(Duration(number(row, column))); }
  /// Valid for as long as the rows are.
  std::string_view view(std::size_t row, int column) const;
  std::string text(std::size_t row, int column) const { return std::string(view(row, column)); }
  std::optional<Digest> digest(std::size_t row, int column) const;

 private:
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

/// Why a statement did not go through.
struct Failure {
  bool lost = false;  ///< The server cannot be reached any more: the outcome is not known.
  Error error;
};
template <typename T>
using Outcome = std::expected<T, Failure>;

/// Runs on while the machine sleeps, as other machines' clocks do.
std::chrono::microseconds uptime();

/// How long it is tried to reach a server again for people who wait at a prompt.
inline constexpr std::chrono::seconds kUsualPatience{5};

/// One session with the server. Not shared between threads.
class Connection {
 public:
  struct Options {
    journal::Access access = journal::Access::read;
    /// How long a statement may take before the server counts as lost.
    Duration statement_at_most = std::chrono::seconds(30);
    Duration connect_at_most =
        std::chrono::seconds(4);  ///< Of each host; whole seconds, 2 or more.
  };

  static Result<std::unique_ptr<Connection>> open(StoreUrl url, Options options);
  ~Connection();
  Connection(const Connection&) = delete;

  const StoreUrl& url() const { return url_; }

  /// Runs one statement; `sql` is a literal, which is prepared at its first use. Not tried again.
  Outcome<Rows> run(const char* sql, const Parameters& parameters = Parameters());
  /// Likewise a statement that may be done twice: where the server is lost, connects anew and tries
  /// again, for as long as `patience` says.
  Result<Rows> ask(const char* sql, const Parameters& parameters = Parameters());
  /// Several statements without parameters, of which nothing is answered; not tried again.
  Outcome<void> script(const std::string& sql);

  /// Connects anew, again and again until `patience` is over.
  Result<void> reconnect();
  /// Until which `uptime` it is tried to reach the server again; nothing: a few seconds.
  void patience(std::function<std::chrono::microseconds()> until) { until_ = std::move(until); }

  /// Waits until the server has something to say (a notification, its end) or `at_most` has passed.
  /// Whether a notification came; it is taken.
  bool wait_for_notice(Duration at_most);
  int socket() const;

 private:
  Connection(StoreUrl url, Options options);
  Result<void> connect();
  void close();
  Failure failure(pg_result* result) const;
  Outcome<std::unique_ptr<pg_result, void (*)(pg_result*)>> result_by(
      std::chrono::microseconds deadline);

  StoreUrl url_;
  Options options_;
  pg_conn* connection_ = nullptr;
  std::map<const char*, std::string> prepared_;  ///< Names of statements by the literal's address.
  std::function<std::chrono::microseconds()> until_;
};

/// A transaction that is rolled back where it is not committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;

  Outcome<void> begin();
  Outcome<void> commit();

 private:
  Connection& connection_;
  bool is_open_ = false;
};

}  // namespace interlock::postgres
