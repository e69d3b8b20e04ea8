#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace interlock::mcp {

/// A tool's arguments, read one by one; the first that is wrong is the error.
class Arguments {
 public:
  explicit Arguments(const json::object& given) : given_(given) {}

  /// Empty where it is not given. A value that could be an option of a command is refused.
  std::string text(std::string_view name);
  std::string required_text(std::string_view name);
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most);
  bool flag(std::string_view name);
  const json::value* find(std::string_view name) const { return given_.if_contains(name); }

  void fail(std::string message, std::string hint = {});
  Result<void> checked() const;

 private:
  const json::object& given_;
  std::optional<Error> error_;
};

}  // namespace interlock::mcp
