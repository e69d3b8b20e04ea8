#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace interlock::gateway {

/// A key. It has no way to be printed, compared or put into JSON; who sends it says `reveal`.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool is_set() const { return !value_.empty(); }
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

/// 32 hexadecimal digits that nobody can guess.
std::string draw_secret();
/// Takes as long whether the first or the last byte differs.
bool is_same_secret(std::string_view one, std::string_view other);
/// `text` with every `secret` in it overwritten by as many `x`; an empty one is in no text.
void blot_out(std::string& text, std::string_view secret);

}  // namespace interlock::gateway
