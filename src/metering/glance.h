#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace interlock::metering {

/// A look into JSON text without building it: bodies come in megabytes, and a handful of their
/// members matter. The text is checked once, as a whole (RFC 8259, at most 256 deep; what stands
/// inside strings is not looked at); after that, looking up is skipping. Of a key given twice the
/// last counts, as for everybody who will read the same text.
///
/// Refers to the text, which must outlive it. Nothing: absent, or of another kind than asked for.
class Glance {
 public:
  Glance() = default;
  /// Nothing when `text` is not one JSON value.
  static std::optional<Glance> of(std::string_view text);

  bool is_there() const { return !text_.empty(); }
  bool is_null() const { return text_ == "null"; }
  bool is_object() const { return text_.starts_with('{'); }
  bool is_array() const { return text_.starts_with('['); }
  bool is_string() const { return text_.starts_with('"'); }
  bool is_true() const { return text_ == "true"; }
  /// The value as it is written.
  std::string_view text() const { return text_; }

  /// A number that is a whole one of 64 bits, also when written as `12.0`.
  std::optional<std::int64_t> integer() const;
  std::optional<std::string> string() const;
  /// Or empty.
  std::string text_or_empty() const { return string().value_or(std::string()); }

  Glance operator[](std::string_view key) const;
  /// The first item of an array.
  Glance first() const;
  bool is_empty() const;

  /// Calls `take(key as written between its quotes, value)` for each member, in order.
  template <typename Take>
  void each_member(Take take) const {
    if (!is_object()) return;
    std::size_t at = 1;
    std::string_view key;
    Glance value;
    while (next_member(at, key, value)) take(key, value);
  }
  /// Calls `take(value)` for each item.
  template <typename Take>
  void each_item(Take take) const {
    if (!is_array()) return;
    std::size_t at = 1;
    Glance value;
    while (next_item(at, value)) take(value);
  }

 private:
  explicit Glance(std::string_view text) : text_(text) {}
  bool next_member(std::size_t& at, std::string_view& key, Glance& value) const;
  bool next_item(std::size_t& at, Glance& value) const;

  std::string_view text_;
};

}  // namespace interlock::metering
