#include "base/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace interlock {
namespace {

/// Fetched once: OpenSSL looks the algorithm up under a lock each time otherwise.
const EVP_MD* sha256() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  check(kAlgorithm != nullptr, "OpenSSL has SHA-256");
  return kAlgorithm;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string Digest::brief() const { return hex().substr(0, 12); }

std::optional<Digest> Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

Digest digest_of(std::string_view content) {
  Digest digest;
  const int done =
      EVP_Digest(content.data(), content.size(), digest.bytes.data(), nullptr, sha256(), nullptr);
  check(done == 1, "SHA-256 takes any bytes");
  return digest;
}

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  State() { start(); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void start() { check(EVP_DigestInit_ex2(context, sha256(), nullptr) == 1, "SHA-256 starts"); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::add(std::string_view bytes) {
  check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
        "SHA-256 takes any bytes");
  return *this;
}

Hasher& Hasher::add_field(std::string_view bytes) {
  // Eight bytes, the lowest first, whatever the machine: digests travel between machines.
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>((std::uint64_t{bytes.size()} >> (8 * i)) & 0xff);
  }
  return add({length.data(), length.size()}).add(bytes);
}

Hasher& Hasher::add_field(const Digest& digest) {
  return add_field({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
}

Digest Hasher::finish() {
  Digest digest;
  check(EVP_DigestFinal_ex(state_->context, digest.bytes.data(), nullptr) == 1, "SHA-256 ends");
  state_->start();
  return digest;
}

}  // namespace interlock
