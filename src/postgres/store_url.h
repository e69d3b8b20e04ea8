#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace interlock::postgres {

/// Where a store on a PostgreSQL server is. Holds what may be a password, and shows none of it.
struct StoreUrl {
  std::map<std::string, std::string> parameters;  ///< As libpq names them.

  /// ``database `runs` on `db.example` ``: what messages may say of it.
  std::string name() const;
};

bool is_store_url(std::string_view text);
/// `postgres://...` or `postgresql://...` with all that libpq takes in one; several hosts with
/// commas. Of an error nothing of the text is told, for it may hold a password.
Result<StoreUrl> parse_store_url(const std::string& text);

}  // namespace interlock::postgres
