#include "runs/green_subset.h"

#include <algorithm>

namespace interlock::runs {

namespace {

class Search {
 public:
  Search(const std::vector<std::vector<std::size_t>>& stands_on, std::size_t most,
         const SubsetCheck& passes)
      : stands_on_(stands_on), most_(most), passes_(passes) {
    for (std::size_t i = 0; i < stands_on.size(); ++i) left_.push_back(i);
  }

  Result<GreenSubset> run() {
    auto all = check(left_.size());
    if (!all) return std::unexpected(all.error());
    if (*all || left_.empty()) {
      found_.base_is_red = !*all;
      return finish(left_.size());
    }
    const auto none = check(0);
    if (!none) return std::unexpected(none.error());
    if (!*none) {
      found_.base_is_red = true;
      return finish(left_.size());
    }
    std::size_t green = 0;  // So many of `left_` are known to pass.
    for (;;) {
      std::size_t red = left_.size();
      while (red - green > 1) {
        if (found_.checks >= most_) return finish(green);
        const std::size_t middle = green + (red - green) / 2;
        const auto passed = check(middle);
        if (!passed) return std::unexpected(passed.error());
        (*passed ? green : red) = middle;
      }
      leave_out(red - 1);
      if (left_.size() == green) return finish(green);
      if (found_.checks >= most_) return finish(green);
      all = check(left_.size());
      if (!all) return std::unexpected(all.error());
      if (*all) return finish(left_.size());
    }
  }

 private:
  Result<bool> check(std::size_t first) {
    ++found_.checks;
    return passes_(chosen(first));
  }
  std::vector<bool> chosen(std::size_t first) const {
    std::vector<bool> taken(stands_on_.size());
    for (std::size_t i = 0; i < first; ++i) taken[left_[i]] = true;
    return taken;
  }

  /// The one at that place of `left_`, and all that stand on it, which are behind it.
  void leave_out(std::size_t at) {
    std::vector<bool> out(stands_on_.size());
    out[left_[at]] = true;
    found_.red.push_back(left_[at]);
    left_.erase(left_.begin() + static_cast<std::ptrdiff_t>(at));
    std::erase_if(left_, [&](std::size_t change) {
      out[change] =
          std::ranges::any_of(stands_on_[change], [&](std::size_t on) { return out[on]; });
      return out[change];
    });
  }

  GreenSubset finish(std::size_t first) {
    found_.taken = chosen(first);
    for (std::size_t i = 0; i < stands_on_.size(); ++i) {
      if (!found_.taken[i] && std::ranges::find(found_.red, i) == found_.red.end())
        found_.untried.push_back(i);
    }
    return std::move(found_);
  }

  const std::vector<std::vector<std::size_t>>& stands_on_;
  std::size_t most_;
  const SubsetCheck& passes_;
  std::vector<std::size_t> left_;
  GreenSubset found_;
};

}  // namespace

Result<GreenSubset> green_subset(const std::vector<std::vector<std::size_t>>& stands_on,
                                 std::size_t most_checks, const SubsetCheck& passes) {
  return Search(stands_on, most_checks, passes).run();
}

}  // namespace interlock::runs
