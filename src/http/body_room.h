#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace interlock::http {

/// What one request's body takes of the memory that all requests of its peer may take at once.
/// Given back when it goes.
class BodyRoom {
 public:
  BodyRoom() = default;
  BodyRoom(std::shared_ptr<std::size_t> used, std::size_t most)
      : used_(std::move(used)), most_(most) {}
  BodyRoom(BodyRoom&& other) noexcept
      : used_(std::move(other.used_)), most_(other.most_), taken_(std::exchange(other.taken_, 0)) {}
  BodyRoom& operator=(BodyRoom&& other) noexcept {
    std::swap(used_, other.used_);
    std::swap(most_, other.most_);
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~BodyRoom() {
    if (used_) *used_ -= taken_;
  }

  /// False: it would be too much, and nothing is taken.
  bool take(std::size_t bytes) {
    if (!used_) return true;
    if (bytes > most_ - *used_) return false;
    *used_ += bytes;
    taken_ += bytes;
    return true;
  }

 private:
  std::shared_ptr<std::size_t> used_;
  std::size_t most_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace interlock::http
