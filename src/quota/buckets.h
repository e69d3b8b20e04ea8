#pragma once

#include <optional>

#include "quota/account.h"
#include "quota/layout.h"

namespace interlock::quota {

/// The buckets of an account: all dimensions at once, or none.
///
/// Giving back. What was reserved too much at an admission cannot simply be taken off the arrival
/// time later: a bucket that had not given it would have been full, and running over, sooner. The
/// excess that it would still hold is the least backlog there has been since the admission, before
/// each later one came. So each admission first tells every lease in flight the backlog it found
/// (`Lease::lowest`), and who gives back lowers what others may give back by as much: the history
/// they were told of is no longer true. Both are done before the arrival time moves, so that
/// whoever dies in between has only made others' claims smaller.
class Buckets {
 public:
  /// `jitter`: ns of `Limits::arrival_jitter`.
  explicit Buckets(Layout& layout, std::int64_t jitter = 0) : layout_(&layout), jitter_(jitter) {}

  /// Which dimension keeps a draw longest, and until when.
  struct Wait {
    Moment until;
    Dimension what;
  };
  std::optional<Wait> wait_for(const Cost& cost, Moment now) const;
  /// Takes it for `lease`; false, with nothing taken, when another was faster.
  bool take(const Cost& cost, std::uint32_t lease, Moment now);
  /// Puts `actual` in the place of `reserved`. True when there is more room now.
  bool settle(const Cost& reserved, const Cost& actual, std::uint32_t lease, Moment now);
  /// Nothing is there.
  void empty(Dimension dimension, Moment now);
  /// No more than `remaining` is there.
  void at_most(Dimension dimension, std::int64_t remaining, Moment now);

  /// The length of the windows that are kept to, ns; 0: none are.
  std::int64_t window() const;
  /// The larger of what is declared and learned, widened where windows are kept to; 0: not limited.
  std::int64_t interval(Dimension dimension) const;
  /// The part of the burst that is there.
  double free(Dimension dimension, Moment now) const;

 private:
  bool take_one(std::size_t dimension, std::int64_t cost, std::uint32_t lease, Moment now);
  bool give_back(std::size_t dimension, std::int64_t excess, std::uint32_t lease, Moment now);
  std::int64_t& arrival(std::size_t dimension) const { return layout_->arrival[dimension]; }
  std::int64_t burst() const { return at(layout_->burst).load(); }
  /// When a draw that takes `cost` ns fits into a bucket that is full at `arrival`.
  std::int64_t fits(std::int64_t arrival, std::int64_t cost) const;

  Layout* layout_;
  std::int64_t jitter_;
};

}  // namespace interlock::quota
