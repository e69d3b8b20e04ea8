#include "postgres/health.h"

#include <chrono>

#include "postgres/connection.h"
#include "postgres/schema.h"

namespace interlock::postgres {

Result<StoreHealth> health_of(const std::string& url) {
  auto parsed = parse_store_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  auto connection = Connection::open(std::move(*parsed), {});
  if (!connection) return std::unexpected(connection.error());
  Connection& server = **connection;
  StoreHealth health;
  health.name = server.url().name();
  health.known_schema = kSchemaVersion;
  auto schema = schema_version(server);
  if (!schema) return std::unexpected(schema.error());
  health.schema = *schema;
  const auto rows = server.ask(
      "SELECT convert_to(current_setting('server_version'), 'UTF8'), (NOT pg_is_in_recovery() AND "
      "has_database_privilege(current_database(), 'CREATE'))::int::bigint, "
      "(current_setting('synchronous_commit') NOT IN ('off') AND current_setting('fsync') = "
      "'on')::int::bigint");
  if (!rows) return std::unexpected(rows.error());
  health.version = rows->text(0, 0);
  health.may_write = rows->number(0, 1) != 0;
  health.commits_durably = rows->number(0, 2) != 0;
  // The shortest of a few round trips says the most.
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    const auto sent = uptime();
    const auto there =
        server.ask("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
    if (!there) return std::unexpected(there.error());
    const auto took = uptime() - sent;
    if (i > 0 && took >= health.round_trip) continue;
    const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    health.round_trip = took;
    health.clock_ahead = there->time(0, 0) - (now - took / 2);
  }
  return health;
}

}  // namespace interlock::postgres
