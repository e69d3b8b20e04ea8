#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace interlock {

// Fields of bytes, one behind the other, each with its length before it: `3:abc`. A field may hold
// any bytes.

void add_field(std::string& text, std::string_view field);
void add_field(std::string& text, std::int64_t number);
/// Their number first.
void add_fields(std::string& text, const std::vector<std::string>& list);

/// Takes fields off the front of a text. Once one was not there as asked for, it is not good any
/// more, and gives empty ones.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : text_(text) {}

  std::string text();
  std::int64_t number();
  /// Of a list that follows: how many there are. Each takes two bytes at least, so that a number
  /// beyond what is left is refused.
  std::size_t count();
  std::vector<std::string> list();
  void refuse() { good_ = false; }
  bool is_good() const { return good_; }
  bool is_at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

}  // namespace interlock
