#include "changes/stale.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace interlock::changes {

std::string_view name_of(Stale::What what) {
  switch (what) {
    case Stale::What::written: return "written";
    case Stale::What::content: return "content";
    case Stale::What::listing: return "listing";
    case Stale::What::presence: return "presence";
  }
  return "";
}

std::string shown(std::string_view path) { return path.empty() ? "." : printable(path); }

std::string place_of(const Stale& stale) {
  if (stale.what != Stale::What::listing) return fmt::format("`{}`", shown(stale.path));
  if (stale.name.empty()) return fmt::format("the listing of `{}`", shown(stale.path));
  return fmt::format("the listing of `{}` (`{}` {})", shown(stale.path), shown(stale.name),
                     stale.has_come ? "came" : "went");
}

namespace {

using What = Stale::What;

/// What several changesets one after the other come to at a path.
struct Net {
  State before, after;
  std::size_t by = 0;

  bool has_kind(Kind kind) const { return before.kind == kind || after.kind == kind; }
  bool has_come_or_gone() const {
    return (before.kind == Kind::absent) != (after.kind == Kind::absent);
  }
};

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// Finds what is stale. Paths that came back to what they were are not among `net_`.
class Staleness {
 public:
  explicit Staleness(std::span<const Changeset* const> since) {
    for (std::size_t by = 0; by < since.size(); ++by) {
      for (const Change& change : since[by]->changes) {
        const auto [at, is_new] = net_.try_emplace(change.path, Net{change.before, {}, by});
        at->second.after = change.after;
        at->second.by = by;
      }
    }
    std::erase_if(net_,
                  [](const auto& entry) { return entry.second.before == entry.second.after; });
    for (const auto& [path, net] : net_) {
      if (net.has_come_or_gone()) {
        const auto [at, is_new] = names_changed_.try_emplace(folder_of(path), &path, &net);
        at->second.by = std::max(at->second.by, net.by);
      }
    }
  }

  void judge_writes(const Changeset& own) {
    for (const Change& change : own.changes) {
      const Net* net = find(change.path);
      if (net != nullptr && net->after != change.after) add(change.path, What::written, net->by);
      if (change.after.kind != Kind::absent) judge_way_to(change.path);
    }
    for (const auto& [path, net] : net_) {
      if (net.after.kind != Kind::absent && !has_room_for(path, own)) {
        add(path, What::written, net.by);
      }
    }
  }

  void judge_reads(const ReadSet& reads) {
    if (reads.from == ReadsFrom::everything) {
      for (const auto& [path, net] : net_) add(path, What::content, net.by);
      return;
    }
    for (const std::string& path : reads.content) {
      judge_links_on_the_way_to(path, What::content);
      if (const Net* net = find(path)) add(path, What::content, net->by);
    }
    for (const std::string& path : reads.listing) {
      judge_links_on_the_way_to(path, What::listing);
      judge_listing(path);
    }
    for (const std::string& path : reads.presence) {
      judge_links_on_the_way_to(path, What::presence);
      const Net* net = find(path);
      if (net == nullptr) continue;
      if (net->before.kind != net->after.kind || net->before.mode != net->after.mode)
        add(path, What::presence, net->by);
    }
  }

  std::vector<Stale> take() {
    std::vector<Stale> all;
    for (auto& [path, stale] : found_) all.push_back(std::move(stale));
    return all;
  }

 private:
  const Net* find(std::string_view path) const {
    const auto at = net_.find(path);
    return at == net_.end() ? nullptr : &at->second;
  }

  /// Whether what now is at `path` still has folders above it when the attempt's changes are made.
  static bool has_room_for(std::string_view path, const Changeset& own) {
    for (auto above = folder_of(path); !above.empty(); above = folder_of(above)) {
      const Change* change = own.find(above);
      if (change != nullptr && change->after.kind != Kind::folder) return false;
    }
    return true;
  }

  /// The attempt leaves something at `path`: the folders above it must not have gone meanwhile.
  void judge_way_to(std::string_view path) {
    for (auto above = folder_of(path); !above.empty(); above = folder_of(above)) {
      const Net* net = find(above);
      if (net != nullptr && net->after.kind != Kind::folder)
        add(std::string(above), What::written, net->by);
    }
  }

  /// With a link above it that came, went or points elsewhere, a path leads somewhere else, though
  /// nothing at the path itself was changed.
  void judge_links_on_the_way_to(const std::string& path, What what) {
    for (auto above = folder_of(path); !above.empty(); above = folder_of(above)) {
      const Net* net = find(above);
      if (net != nullptr && net->has_kind(Kind::link)) add(path, what, net->by);
    }
  }

  void judge_listing(const std::string& folder) {
    const auto names = names_changed_.find(folder);
    if (names != names_changed_.end()) {
      const NamesChanged& changed = names->second;
      add(folder, What::listing, changed.by);
      found_.at(folder).name = *changed.first;
      found_.at(folder).has_come = changed.has_come;
    }
    // A folder that came or went empty has no names that could tell.
    const Net* net = find(folder);
    if (net != nullptr && net->before.kind != net->after.kind) add(folder, What::listing, net->by);
  }

  /// Keeps the gravest word on a path, and of equal ones the last to blame.
  void add(const std::string& path, What what, std::size_t by) {
    const auto [at, is_new] = found_.try_emplace(path, Stale{path, what, by});
    Stale& kept = at->second;
    if (what < kept.what) kept = {path, what, by};
    if (what == kept.what) kept.by = std::max(kept.by, by);
  }

  struct NamesChanged {
    NamesChanged(const std::string* path, const Net* net)
        : first(path), has_come(net->after.kind != Kind::absent), by(net->by) {}
    const std::string* first;
    bool has_come;
    std::size_t by;  ///< The last to change one.
  };

  std::map<std::string, Net, std::less<>> net_;
  std::map<std::string_view, NamesChanged> names_changed_;  ///< By folder.
  std::map<std::string, Stale> found_;
};

}  // namespace

std::vector<Stale> stale(const ReadSet& reads, const Changeset& own,
                         std::span<const Changeset* const> since) {
  Staleness staleness(since);
  staleness.judge_writes(own);
  staleness.judge_reads(reads);
  return staleness.take();
}

}  // namespace interlock::changes
