#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace interlock {

/// Writes an object member by member, byte for byte as `pretty_json` would write it whole: its long
/// lists never stand in memory.
class ObjectStream {
 public:
  /// Gets the text in pieces, each of whole lines.
  using Out = std::function<void(std::string_view piece)>;

  explicit ObjectStream(Out out) : out_(std::move(out)) {}

  void member(std::string_view key, const json::value& value);
  /// `item` makes each of the items 0 .. count - 1, in their order.
  void list(std::string_view key, std::size_t count,
            const std::function<json::value(std::size_t)>& item);
  /// To be called last.
  void finish();

 private:
  void begin_member(std::string_view key);
  void hand_on(std::size_t at_least);

  Out out_;
  std::string text_ = "{";
  bool first_ = true;
};

}  // namespace interlock
