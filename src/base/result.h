#pragma once

#include <expected>
#include <string>
#include <utility>

namespace interlock {

/// What the world refused, in words for the person who has to mend it.
///
/// `kind` has only members somebody branches on; it decides the exit code.
struct Error {
  enum class Kind : unsigned char {
    invalid,   ///< The plan, the command line or another input is wrong (exit 2).
    refused,   ///< Asked for something that is not allowed now: a conflict, a budget, a gate (exit
               ///< 3).
    missing,   ///< Something named does not exist (exit 2).
    io,        ///< The operating system said no (exit 4).
    internal,  ///< Interlock broke its own promise (exit 4).
  };

  Kind kind = Kind::io;
  std::string message;  ///< One line, no full stop: what was tried, on what, why it failed.
  std::string hint;     ///< What to do about it; empty when there is nothing to say.

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error::Kind kind, std::string message, std::string hint = {}) {
  return std::unexpected(Error{kind, std::move(message), std::move(hint)});
}

/// The same error, told from one layer further out.
inline std::unexpected<Error> within(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace interlock
