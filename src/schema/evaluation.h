#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "schema/compiled.h"

namespace interlock::schema {

/// Which members and items of one value some keyword has looked at, for `unevaluatedProperties` and
/// `unevaluatedItems`.
struct Seen {
  std::vector<bool> members, items;

  void add(const Seen& other);
  void add_member(std::size_t index);
  void add_item(std::size_t index);
  bool has_member(std::size_t index) const { return index < members.size() && members[index]; }
  bool has_item(std::size_t index) const { return index < items.size() && items[index]; }
};

/// Holds one value against a schema, and keeps what is wrong with it.
class Evaluation {
 public:
  /// More problems than this are of no use to anybody.
  static constexpr std::size_t kProblemsMax = 5;

  explicit Evaluation(const Compiled& schema) : schema_(schema) {}

  bool fits(const json::value& value);
  const std::vector<std::string>& problems() const { return problems_; }

  // For rules:

  /// Whether the value fits; `seen` gains what was looked at when it does.
  bool fits(const Node& node, const json::value& value, Seen& seen);
  /// As `fits`, without a complaint.
  bool fits_quietly(const Node& node, const json::value& value, Seen& seen);
  /// What `node` would complain of, apart from all other complaints.
  std::vector<std::string> problems_with(const Node& node, const json::value& value);
  /// As `fits`, for a member or item of the value at hand.
  bool member_fits(const Node& node, std::string_view name, const json::value& member);
  bool item_fits(const Node& node, std::size_t index, const json::value& item);

  /// ``at `/a/0`: found 3, expected a string``; always false.
  bool expected(const json::value& found, std::string_view what);
  /// ``at `/a`: `name` is missing``; always false.
  bool complain(std::string_view what);
  /// Whether complaints are kept: the words for them need not be made otherwise.
  bool is_reporting() const { return !quiet_ && problems_.size() < kProblemsMax; }

  /// Where `$dynamicRef` leads from here: the outermost resource that has the anchor, else
  /// `otherwise`.
  const Node& dynamic_target(const std::string& anchor, const Node& otherwise) const;

 private:
  using Segment = std::variant<std::string_view, std::size_t>;
  std::string pointer() const;
  bool apply(const Node& node, const json::value& value, Seen& seen);

  const Compiled& schema_;
  std::vector<std::string> problems_;
  std::vector<Segment> path_;
  std::vector<std::uint32_t> scope_;  ///< Resources entered, outermost first.
  std::uint64_t steps_ = 0;
  std::size_t depth_ = 0;
  bool quiet_ = false;
  bool gave_up_ = false;
};

}  // namespace interlock::schema
