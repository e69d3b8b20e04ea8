#include "schema/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "schema/document.h"
#include "schema/rule.h"

namespace interlock::schema {
namespace {

/// Bounds for schemas that branch without end; real ones stay far below both.
constexpr std::uint64_t kStepsMax = 5'000'000;
constexpr std::size_t kDepthMax = 1000;
constexpr std::size_t kShownColumns = 60;

void mark(std::vector<bool>& flags, std::size_t index) {
  if (flags.size() <= index) flags.resize(index + 1);
  flags[index] = true;
}

void unite(std::vector<bool>& flags, const std::vector<bool>& others) {
  if (flags.size() < others.size()) flags.resize(others.size());
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (others[i]) flags[i] = true;
  }
}

}  // namespace

void Seen::add(const Seen& other) {
  unite(members, other.members);
  unite(items, other.items);
}
void Seen::add_member(std::size_t index) { mark(members, index); }
void Seen::add_item(std::size_t index) { mark(items, index); }

bool Evaluation::fits(const json::value& value) {
  Seen seen;
  const bool fitting = fits(*schema_.top, value, seen);
  if (!gave_up_) return fitting;
  problems_ = {
      fmt::format("the schema is too involved: checking took more than {} steps", kStepsMax)};
  return false;
}

bool Evaluation::fits(const Node& node, const json::value& value, Seen& seen) {
  if (gave_up_ || ++steps_ > kStepsMax || depth_ >= kDepthMax) {
    gave_up_ = true;
    return false;
  }
  const bool enters = scope_.empty() || scope_.back() != node.resource;
  if (enters) scope_.push_back(node.resource);
  ++depth_;
  const bool fitting = apply(node, value, seen);
  --depth_;
  if (enters) scope_.pop_back();
  return fitting;
}

bool Evaluation::apply(const Node& node, const json::value& value, Seen& seen) {
  if (node.is_false) return complain("nothing is allowed here");
  Seen own;
  bool fitting = true;
  for (const Keyword& keyword : node.keywords) {
    fitting &= keyword.rule->check(keyword, value, *this, own);
    if (!fitting && !is_reporting()) return false;
  }
  if (fitting && schema_.has_unevaluated) seen.add(own);
  return fitting;
}

bool Evaluation::fits_quietly(const Node& node, const json::value& value, Seen& seen) {
  const bool before = std::exchange(quiet_, true);
  const bool fitting = fits(node, value, seen);
  quiet_ = before;
  return fitting;
}

std::vector<std::string> Evaluation::problems_with(const Node& node, const json::value& value) {
  std::vector<std::string> others = std::exchange(problems_, {});
  Seen seen;
  fits(node, value, seen);
  return std::exchange(problems_, std::move(others));
}

bool Evaluation::member_fits(const Node& node, std::string_view name, const json::value& member) {
  Seen below;
  path_.emplace_back(name);
  const bool fitting = fits(node, member, below);
  path_.pop_back();
  return fitting;
}

bool Evaluation::item_fits(const Node& node, std::size_t index, const json::value& item) {
  Seen below;
  path_.emplace_back(index);
  const bool fitting = fits(node, item, below);
  path_.pop_back();
  return fitting;
}

bool Evaluation::expected(const json::value& found, std::string_view what) {
  if (!is_reporting()) return false;
  return complain(fmt::format("found {}, expected {}",
                              elide_end(printable(canonical_json(found)), kShownColumns), what));
}

bool Evaluation::complain(std::string_view what) {
  if (!is_reporting()) return false;
  const std::string at =
      path_.empty() ? "at the top" : fmt::format("at `{}`", printable(pointer()));
  problems_.push_back(fmt::format("{}: {}", at, what));
  return false;
}

const Node& Evaluation::dynamic_target(const std::string& anchor, const Node& otherwise) const {
  for (const std::uint32_t resource : scope_) {
    const auto found = schema_.dynamic_anchors.find({resource, anchor});
    if (found != schema_.dynamic_anchors.end()) return *found->second;
  }
  return otherwise;
}

std::string Evaluation::pointer() const {
  std::string pointer;
  for (const Segment& segment : path_) {
    if (const auto* name = std::get_if<std::string_view>(&segment))
      pointer += pointer_segment(*name);
    else
      pointer += "/" + std::to_string(std::get<std::size_t>(segment));
  }
  return pointer;
}

}  // namespace interlock::schema
