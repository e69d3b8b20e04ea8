#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace interlock {

/// An index that knows what it counts, so that a task is never looked up among resources.
template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : index_(static_cast<std::uint32_t>(index)) {}

  constexpr std::uint32_t index() const { return index_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  std::uint32_t index_ = 0;
};

/// A task's place in plan order.
using TaskId = Id<struct TaskTag>;
/// A resource's place in the plan's list of resources.
using ResourceId = Id<struct ResourceTag>;
/// An agent's place in the plan's list of agents.
using AgentId = Id<struct AgentTag>;

}  // namespace interlock

template <typename Tag>
struct std::hash<interlock::Id<Tag>> {
  std::size_t operator()(interlock::Id<Tag> id) const noexcept { return id.index(); }
};
