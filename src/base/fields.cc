#include "base/fields.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace interlock {

namespace {

std::optional<std::int64_t> number_in(std::string_view digits) {
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

void add_field(std::string& text, std::string_view field) {
  text += std::to_string(field.size());
  text += ':';
  text += field;
}

void add_field(std::string& text, std::int64_t number) { add_field(text, std::to_string(number)); }

void add_fields(std::string& text, const std::vector<std::string>& list) {
  add_field(text, static_cast<std::int64_t>(list.size()));
  for (const std::string& one : list) add_field(text, one);
}

std::string FieldReader::text() {
  const std::size_t colon = text_.find(':');
  const auto size = number_in(text_.substr(0, std::min(colon, text_.size())));
  if (!size || *size < 0 || colon == text_.npos ||
      static_cast<std::size_t>(*size) > text_.size() - colon - 1) {
    good_ = false;
    text_ = {};
    return {};
  }
  std::string field(text_.substr(colon + 1, static_cast<std::size_t>(*size)));
  text_.remove_prefix(colon + 1 + static_cast<std::size_t>(*size));
  return field;
}

std::int64_t FieldReader::number() {
  const auto value = number_in(text());
  good_ = good_ && value;
  return value.value_or(0);
}

std::size_t FieldReader::count() {
  const std::int64_t value = number();
  if (value < 0 || static_cast<std::size_t>(value) > text_.size() / 2) good_ = false;
  return good_ ? static_cast<std::size_t>(value) : 0;
}

std::vector<std::string> FieldReader::list() {
  std::vector<std::string> all;
  for (std::size_t left = count(); good_ && left > 0; --left) all.push_back(text());
  return all;
}

}  // namespace interlock
