#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "postgres/connection.h"

namespace interlock::postgres {

/// Counts up with every step in schema.cc.
extern const std::int64_t kSchemaVersion;

/// The version of the tables that are there; nothing: there are none.
Result<std::optional<std::int64_t>> schema_version(Connection& connection);

/// Makes the tables or brings them up to this version, one step after the other, in one
/// transaction. `up_to`: of tests that want earlier ones. Refused where a newer Interlock made
/// them.
Result<void> bring_up_schema(Connection& connection, std::int64_t up_to = kSchemaVersion);

/// An error where the tables are not of this version; `missing` where there are none.
Result<void> check_schema(Connection& connection);

}  // namespace interlock::postgres
