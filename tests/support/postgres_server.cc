#include "support/postgres_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace interlock::testing_support {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwner = "postgres";  // The Debian package makes it.

/// The newest server's programs; empty: there are none.
std::string find_programs() {
  std::string found;
  std::error_code trouble;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", trouble)) {
    const std::string programs = version.path().string() + "/bin";
    if (fs::exists(programs + "/postgres") && fs::exists(programs + "/initdb") && programs > found)
      found = programs;
  }
  return found;
}

std::string output_of(const std::string& command, bool may_fail = false) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> piece{};
  while (pipe != nullptr && std::fgets(piece.data(), piece.size(), pipe) != nullptr)
    text += piece.data();
  const int status = pipe == nullptr ? -1 : ::pclose(pipe);
  if (status != 0 && !may_fail) throw std::runtime_error(command + "\n" + text);
  return text;
}

int free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(listener);
  return ::ntohs(address.sin_port);
}

}  // namespace

std::string PostgresServer::as_owner(const std::string& command) const {
  const std::string quiet = "cd / && env -i LC_ALL=C PATH=/usr/bin:/bin ";
  if (::geteuid() != 0) return quiet + command;
  return quiet + fmt::format("setpriv --reuid={0} --regid={0} --clear-groups ", kOwner) + command;
}

std::unique_ptr<PostgresServer> PostgresServer::start() {
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  server->programs_ = find_programs();
  if (server->programs_.empty()) return nullptr;
  if (::geteuid() == 0 && ::getpwnam(kOwner) == nullptr) return nullptr;
  server->folder_ = (fs::temp_directory_path() / "interlock-pg-XXXXXX").string();
  if (::mkdtemp(server->folder_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  fs::permissions(server->folder_, fs::perms(0755));
  if (::geteuid() == 0) {
    const passwd* owner = ::getpwnam(kOwner);
    if (::chown(server->folder_.c_str(), owner->pw_uid, owner->pw_gid) != 0)
      throw std::runtime_error("cannot give the folder to the server's user");
  }
  server->end_with_this_process();
  output_of(
      server->as_owner(fmt::format("{}/initdb -D {}/data -U tester -A trust -E UTF8 "
                                   "--no-sync --locale=C",
                                   server->programs_, server->folder_)));
  // Over TCP a password is asked for; on the socket none.
  std::ofstream(server->folder_ + "/data/pg_hba.conf", std::ios::trunc)
      << "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 "
         "scram-sha-256\n";
  server->port_ = free_port();
  server->launch("data", server->port_);
  return server;
}

/// The server is a daemon, and a test that is aborted runs no destructor: somebody looks on.
void PostgresServer::end_with_this_process() const {
  output_of(fmt::format(
      "setsid -f sh -c 'tail --pid={0} -f /dev/null; for data in {1}/data {1}/standby; do "
      "read -r pid <$data/postmaster.pid && grep -q postgres /proc/$pid/comm && kill -QUIT $pid; "
      "done; sleep 1; rm -rf {1}' >/dev/null 2>&1 </dev/null",
      ::getpid(), folder_));
}

/// Without waiting for the disk: what was written outlives the processes, if not the machine.
void PostgresServer::launch(const std::string& data, int port) {
  const std::string command = as_owner(fmt::format(
      "{0}/pg_ctl -D {1}/{2} -l {1}/log-{2} -w -t 60 -o \"-c listen_addresses=127.0.0.1 -c "
      "port={3} -c unix_socket_directories={1} -c max_connections=50 -c shared_buffers=32MB -c "
      "fsync=off\" "
      "start "
      "> /dev/null",
      programs_, folder_, data, port));
  // What is left of one that was killed may hold its memory for a moment yet.
  constexpr int kTries = 40;
  for (int i = 1; i < kTries; ++i) {
    output_of(command, true);
    const std::string pid = output_of(
        as_owner(fmt::format("{}/pg_ctl -D {}/{} status", programs_, folder_, data)), true);
    if (pid.contains("server is running")) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  output_of(command);
}

std::string PostgresServer::start_standby(const std::string& database) {
  standby_port_ = free_port();
  output_of(
      as_owner(fmt::format("{0}/pg_basebackup -h {1} -p {2} -U tester -D {1}/standby -R -X "
                           "stream -c fast --no-sync",
                           programs_, folder_, port_)));
  launch("standby", standby_port_);
  sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*';");
  sql("postgres", "SELECT pg_reload_conf();");
  for (int look = 0;; ++look) {
    if (sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync';") ==
        "1\n")
      break;
    if (look == 1200) throw std::runtime_error("the standby did not come within a minute");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return fmt::format("postgres://tester@/{0}?host={1},{1}&port={2},{3}", database, folder_, port_,
                     standby_port_);
}

void PostgresServer::promote_standby() {
  output_of(as_owner(fmt::format("{}/pg_ctl -D {}/standby -w promote", programs_, folder_)));
}

void PostgresServer::kill() {
  std::ifstream file(folder_ + "/data/postmaster.pid");
  pid_t postmaster = 0;
  file >> postmaster;
  if (postmaster <= 0) return;
  const std::string children = output_of(fmt::format("ps -o pid= --ppid {}", postmaster), true);
  ::kill(postmaster, SIGKILL);
  std::size_t at = 0;
  while (at < children.size()) {
    const std::size_t end = std::min(children.find('\n', at), children.size());
    const pid_t child = static_cast<pid_t>(std::atoi(children.substr(at, end - at).c_str()));
    if (child > 0) ::kill(child, SIGKILL);
    at = end + 1;
  }
  for (int i = 0; i < 500 && ::kill(postmaster, 0) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void PostgresServer::start_again() { launch("data", port_); }

PostgresServer::~PostgresServer() {
  if (standby_port_ != 0)
    output_of(
        as_owner(fmt::format("{}/pg_ctl -D {}/standby -m immediate stop", programs_, folder_)),
        true);
  output_of(as_owner(fmt::format("{}/pg_ctl -D {}/data -m immediate stop", programs_, folder_)),
            true);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PostgresServer::url(const std::string& database) const {
  return fmt::format("postgres://tester@/{}?host={}&port={}", database, folder_, port_);
}

std::string PostgresServer::url_with_password(const std::string& database,
                                              const std::string& password) const {
  return fmt::format("postgres://guarded:{}@127.0.0.1:{}/{}", password, port_, database);
}

std::string PostgresServer::sql_at(const std::string& url, const std::string& text) const {
  const std::string file = folder_ + "/statement.sql";
  std::ofstream(file, std::ios::trunc) << text;
  return output_of(
      fmt::format("{}/psql -XAtq -v ON_ERROR_STOP=1 -f {} '{}'", programs_, file, url));
}

std::string PostgresServer::sql(const std::string& database, const std::string& text) const {
  return sql_at(url(database), text);
}

std::string PostgresServer::sql_on_standby(const std::string& database,
                                           const std::string& text) const {
  return sql_at(
      fmt::format("postgres://tester@/{}?host={}&port={}", database, folder_, standby_port_), text);
}

std::string PostgresServer::make_database(const std::string& name) {
  sql("postgres", fmt::format("CREATE DATABASE {};", name));
  return url(name);
}

}  // namespace interlock::testing_support
