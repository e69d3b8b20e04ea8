#include "mcp/arguments.h"

#include <fmt/format.h>

#include "base/text.h"

namespace interlock::mcp {

void Arguments::fail(std::string message, std::string hint) {
  if (!error_) error_ = Error{Error::Kind::invalid, std::move(message), std::move(hint)};
}

Result<void> Arguments::checked() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

std::string Arguments::text(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) {
    fail(fmt::format("`{}` is not text", name));
    return {};
  }
  std::string text(value->get_string());
  if (text.starts_with('-'))
    fail(fmt::format("`{}` begins with a dash: `{}`", name, printable(text)));
  if (text.contains('\0')) fail(fmt::format("`{}` holds a NUL", name));
  return text;
}

std::string Arguments::required_text(std::string_view name) {
  std::string value = text(name);
  if (value.empty()) fail(fmt::format("`{}` is missing", name));
  return value;
}

std::int64_t Arguments::number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) {
  const json::value* value = find(name);
  if (value == nullptr || value->is_null()) return otherwise;
  boost::system::error_code trouble;
  const auto number = value->to_number<std::int64_t>(trouble);
  if (trouble || number < least || number > most) {
    fail(fmt::format("`{}` is not a whole number from {} to {}", name, least, most));
    return otherwise;
  }
  return number;
}

bool Arguments::flag(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_bool()) fail(fmt::format("`{}` is neither true nor false", name));
  return value->is_bool() && value->get_bool();
}

}  // namespace interlock::mcp
