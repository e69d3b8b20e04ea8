#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace interlock::testing_support {

/// A PostgreSQL server of a test's own: in a folder of its own, on a Unix socket in it, as an
/// unprivileged user, ended with the test.
class PostgresServer {
 public:
  /// Nothing where this machine has no server's programs; else a server that answers.
  static std::unique_ptr<PostgresServer> start();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;

  /// Makes a database and gives its URL.
  std::string make_database(const std::string& name);
  std::string url(const std::string& database) const;
  /// With a user who needs a password, over TCP on loopback.
  std::string url_with_password(const std::string& database, const std::string& password) const;
  /// Kills it and all of its processes, as a power cut would.
  void kill();
  /// Starts it anew on what it has; returns when it answers.
  void start_again();
  /// A second server that has what this one commits before the commit returns. The URL of a
  /// database names both.
  std::string start_standby(const std::string& database);
  /// The standby becomes the one that can be written.
  void promote_standby();
  /// Runs SQL in a database; what it printed.
  std::string sql(const std::string& database, const std::string& text) const;
  std::string sql_on_standby(const std::string& database, const std::string& text) const;

 private:
  PostgresServer() = default;
  void end_with_this_process() const;
  void launch(const std::string& data, int port);
  std::string sql_at(const std::string& url, const std::string& text) const;
  std::string as_owner(const std::string& command) const;

  std::string folder_, programs_;
  int port_ = 0, standby_port_ = 0;
};

}  // namespace interlock::testing_support
