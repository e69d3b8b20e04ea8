#include "footprint/access_index.h"

#include <algorithm>

namespace interlock::footprint {

AccessIndex::AccessIndex(std::span<const Claim> claims) {
  static const PatternSet kNothing;
  first_listed_.reserve(2 * claims.size() + 1);
  for (const Claim& claim : claims) {
    add_list(claim.footprint->unknown ? kNothing : claim.footprint->reads, false);
    add_list(claim.footprint->unknown ? kNothing : claim.footprint->writes, true);
  }
  first_pair_.reserve(patterns_.size() + 1);
  for (std::size_t i = 0; i < patterns_.size(); ++i) find_pairs(PatternId(i));
}

void AccessIndex::add_list(const PatternSet& set, bool written) {
  for (const Glob& glob : set.include) {
    const PatternId pattern = intern({&glob, set.exclude});
    patterns_[pattern.index()].written |= written;
    listed_.push_back(pattern);
  }
  first_listed_.push_back(static_cast<std::uint32_t>(listed_.size()));
}

PatternId AccessIndex::intern(const Area& area) {
  const PatternId fresh(patterns_.size());
  const auto [newest, is_first] = at_prefix_.try_emplace(area.include->literal_prefix(), fresh);
  for (PatternId at = newest->second; !is_first;) {
    const Pattern& known = patterns_[at.index()];
    const bool same = *known.area.include == *area.include &&
                      std::ranges::equal(known.area.exclude, area.exclude);
    if (same) return at;
    if (known.next_at_prefix == at) break;
    at = known.next_at_prefix;
  }
  patterns_.push_back(
      {.area = area, .next_at_prefix = is_first ? fresh : newest->second, .written = false});
  newest->second = fresh;
  return fresh;
}

void AccessIndex::find_pairs(PatternId pattern) {
  std::string_view prefix = area(pattern).include->literal_prefix();
  for (bool own = true;; own = false) {
    if (const auto at = at_prefix_.find(prefix); at != at_prefix_.end())
      compare(pattern, at->second, own);
    if (prefix.empty()) break;
    const std::size_t slash = prefix.rfind('/');
    prefix = prefix.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  first_pair_.push_back(static_cast<std::uint32_t>(pairs_.size()));
}

void AccessIndex::compare(PatternId pattern, PatternId first_at_prefix, bool own_prefix) {
  const Pattern& deep = patterns_[pattern.index()];
  for (PatternId at = first_at_prefix;; at = patterns_[at.index()].next_at_prefix) {
    const Pattern& high = patterns_[at.index()];
    const bool other_side = own_prefix && at >= pattern;  // Each pair once.
    if (!other_side && (deep.written || high.written) && meets(deep.area, high.area))
      pairs_.push_back({pattern, at});
    if (high.next_at_prefix == at) return;
  }
}

/// Nearly all questions are small. Few may be hard, lest a plan of nothing else take minutes.
bool AccessIndex::meets(const Area& a, const Area& b) {
  Budget small{2'000};
  const bool met = overlaps(a, b, small);
  if (!met || small.steps > 0) return met;
  Budget large = kOneQuestion;
  return !hard_questions_.spend(large.steps) || overlaps(a, b, large);
}

}  // namespace interlock::footprint
