#include "postgres/store_url.h"

#include <fmt/format.h>
#include <postgresql/libpq-fe.h>

#include <memory>

#include "base/text.h"

namespace interlock::postgres {
namespace {

std::string value_of(const StoreUrl& url, const std::string& name) {
  const auto found = url.parameters.find(name);
  return found == url.parameters.end() ? std::string() : found->second;
}

}  // namespace

std::string StoreUrl::name() const {
  std::string host = value_of(*this, "host");
  if (host.empty()) host = value_of(*this, "hostaddr");
  if (host.empty()) host = "this machine";
  std::string database = value_of(*this, "dbname");
  if (database.empty()) database = value_of(*this, "user");
  return fmt::format("database `{}` on `{}`", printable(database), printable(host));
}

bool is_store_url(std::string_view text) {
  return text.starts_with("postgres://") || text.starts_with("postgresql://");
}

Result<StoreUrl> parse_store_url(const std::string& text) {
  constexpr const char* kHint = "as in `postgres://ann@db.example:5432/runs`";
  if (!is_store_url(text)) {
    return fail(Error::Kind::invalid,
                "the store is not a `postgres://` URL, and there is no other kind", kHint);
  }
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&::PQconninfoFree)> options(
      ::PQconninfoParse(text.c_str(), &complaint), &::PQconninfoFree);
  if (complaint != nullptr) ::PQfreemem(complaint);
  if (options == nullptr)
    return fail(Error::Kind::invalid, "the store's URL cannot be read", kHint);
  StoreUrl url;
  for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one) {
    if (one->val != nullptr && *one->val != '\0') url.parameters[one->keyword] = one->val;
  }
  if (!url.parameters.contains("dbname")) {
    return fail(Error::Kind::invalid, "the store's URL names no database", kHint);
  }
  return url;
}

}  // namespace interlock::postgres
