#include "gateway/secret.h"

#include "sys/entropy.h"

namespace interlock::gateway {

std::string draw_secret() { return sys::random_hex(16); }

bool is_same_secret(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    difference |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

void blot_out(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), secret.size(), 'x');
    at += secret.size();
  }
}

}  // namespace interlock::gateway
