#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace interlock {

/// SHA-256 of some content (FIPS 180-4). Equal digests mean equal content.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;

  /// 64 lower-case hexadecimal digits.
  std::string hex() const;
  /// The first 12 of them, for people.
  std::string brief() const;
  static std::optional<Digest> from_hex(std::string_view hex);
};

Digest digest_of(std::string_view content);

/// A digest made piece by piece.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& add(std::string_view bytes);
  /// Adds length and bytes, so that no two lists of fields meet in one digest.
  Hasher& add_field(std::string_view bytes);
  Hasher& add_field(const Digest& digest);
  /// The digest of all that was added; the hasher is empty again.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace interlock
