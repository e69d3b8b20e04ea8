#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "changes/changeset.h"
#include "changes/read_set.h"
#include "footprint/interlocking.h"

namespace interlock::changes {

/// A path that no longer is what an attempt found there.
struct Stale {
  enum class What : unsigned char {
    written,   ///< The attempt changed it too.
    content,   ///< It read what the path holds.
    listing,   ///< It listed the folder, and a name has come or gone.
    presence,  ///< It looked whether something was there.
  };
  std::string path;
  What what = What::content;
  std::size_t by = 0;  ///< The last of `since` that changed it.
  std::string
      name;  ///< Of a listing: the first path in it that came or went; empty: it did itself.
  bool has_come = false;  ///< That did not go.

  bool operator==(const Stale&) const = default;
};
std::string_view name_of(Stale::What what);

/// For people: a path of the workspace, safe on one line; its own folder is `.`.
std::string shown(std::string_view path);
/// For people: `src/a.cc` with its quotes, or the listing of `src` and which name came or went in
/// it.
std::string place_of(const Stale& stale);

/// What of `reads` and `own` the changesets `since`, committed one after the other after the
/// attempt's view was opened, have made stale. A path that was changed and changed back is not. One
/// entry a path, the gravest (in the order of `What`), sorted by path. With reads from everything,
/// each path that was changed is stale.
std::vector<Stale> stale(const ReadSet& reads, const Changeset& own,
                         std::span<const Changeset* const> since);

using FolderTest = std::function<bool(const std::string& path)>;

/// Whether an attempt that read `reads` and changed `own` gives the same, and leaves the same,
/// before and after anything that a task of this footprint may do: no path is written by one and
/// read or written by the other, decided on the patterns. Never with an unknown footprint.
///
/// A task may also make folders on the way to what it writes. Where `is_folder` says that one is
/// there already, in the state that `own` is to be made upon, it cannot come into being; without
/// that test whoever listed a folder commutes with nobody who may write anywhere below it.
bool commutes(const ReadSet& reads, const Changeset& own, const footprint::Footprint& other,
              const FolderTest& is_folder = {});

/// What of `own` lies outside what a task may write; sorted. Folders on the way to an allowed path
/// may come into being. An unknown footprint allows all.
std::vector<std::string> outside(const Changeset& own, const footprint::Footprint& footprint);

}  // namespace interlock::changes
