#include "schema/number.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace interlock::schema {
namespace {

// Its mantissa holds every 64-bit integer.
static_assert(std::numeric_limits<long double>::digits >= 64,
              "comparing numbers needs 64 bits of mantissa");

long double exact(const json::value& value) {
  if (value.is_int64()) return static_cast<long double>(value.get_int64());
  if (value.is_uint64()) return static_cast<long double>(value.get_uint64());
  return static_cast<long double>(value.get_double());
}

__extension__ using Wide = unsigned __int128;

/// digits * 10^exponent, without its sign.
struct Decimal {
  Wide digits = 0;
  int exponent = 0;
};

Decimal decimal_of(const json::value& value) {
  const std::string text = canonical_json(value);
  Decimal decimal;
  bool after_point = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      after_point = true;
    } else if (c == 'e' || c == 'E') {
      int exponent = 0;
      const std::size_t from = i + (text[i + 1] == '+' ? 2 : 1);
      std::from_chars(text.data() + from, text.data() + text.size(), exponent);
      decimal.exponent += exponent;
      break;
    } else if (c != '-') {
      // Canonical forms have at most 21 digits before their exponent, which is far below 2^128; the
      // integers of 64 bits among them have up to 20 that count.
      decimal.digits = decimal.digits * 10 + static_cast<unsigned>(c - '0');
      if (after_point) --decimal.exponent;
    }
  }
  return decimal;
}

}  // namespace

bool is_integer(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::isfinite(value.get_double()) &&
         std::floor(value.get_double()) == value.get_double();
}

int compare_numbers(const json::value& a, const json::value& b) {
  const long double left = exact(a), right = exact(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

bool is_multiple(const json::value& value, const json::value& step) {
  const Decimal a = decimal_of(value), b = decimal_of(step);
  if (a.digits == 0) return true;
  if (a.exponent >= b.exponent) {
    // a.digits * 10^shift modulo b.digits, factor by factor.
    Wide rest = a.digits % b.digits;
    for (int shift = a.exponent - b.exponent; shift > 0 && rest != 0; --shift)
      rest = rest * 10 % b.digits;
    return rest == 0;
  }
  Wide divisor = b.digits;
  for (int shift = b.exponent - a.exponent; shift > 0; --shift) {
    divisor *= 10;
    if (divisor > a.digits) return false;
  }
  return a.digits % divisor == 0;
}

}  // namespace interlock::schema
