#include "snapshots/job_packing.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <ranges>

#include "snapshots/files.h"
#include "snapshots/freeze.h"
#include "snapshots/sandboxes.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

using engine::JobEntry;
using engine::JobSpec;
using engine::Sandbox;

namespace {

constexpr std::size_t kChangesBytesMax = std::size_t{256} << 20;

/// The attempt's, and its task's: all it may write to but the workspace, devices and the places at
/// which it finds them.
std::vector<std::string> own_folders(const Sandbox& sandbox) {
  std::vector<std::string> own;
  const std::vector<std::string> devices = writable_devices();
  for (const std::string& path : sandbox.writable) {
    const bool is_bound =
        std::ranges::find(sandbox.binds, path, &Sandbox::Bind::at) != sandbox.binds.end();
    if (path != sandbox.snapshot->at && !is_bound &&
        std::ranges::find(devices, path) == devices.end())
      own.push_back(path);
  }
  return own;
}

/// What an attempt finds: the workspace and the layers its snapshot stands on.
struct Found {
  std::deque<changes::Changeset> changes;  ///< Of the layers, which point to them.
  std::optional<workspace::Stack> tree;
};

/// The changesets lie beside the layers (layout.h), and stay while a snapshot is open.
Result<Found> found_by(const Sandbox::Snapshot& snapshot) {
  Found found;
  std::vector<workspace::Layer> layers;
  for (const std::string& after : snapshot.layers | std::views::reverse) {
    const std::string place = after.substr(0, after.rfind('/')) + "/changes.json";
    const auto text = workspace::read_file(place, kChangesBytesMax);
    auto changes = text ? changes::changeset_from_text(*text)
                        : Result<changes::Changeset>(std::unexpected(text.error()));
    if (!changes) return std::unexpected(changes.error());
    found.changes.push_back(std::move(*changes));
    layers.push_back({after, &found.changes.back()});
  }
  found.tree.emplace(snapshot.at, std::move(layers));
  return found;
}

}  // namespace

Result<JobSpec> SnapshotPacking::pack(const engine::SpawnSpec& spawn, engine::JobFiles& files) {
  JobSpec spec;
  spec.spawn = spawn;
  for (const auto& [name, value] : spawn.environment) {
    const auto own = options_.environment.find(name);
    const bool is_passed_on =
        name.starts_with("LC_") ||
        std::ranges::find(options_.passed_on, name) != options_.passed_on.end();
    if (is_passed_on && own != options_.environment.end() && own->second == value)
      spec.passed_on.push_back(name);
  }
  const auto found = found_by(*spawn.sandbox->snapshot);
  if (!found) return std::unexpected(found.error());
  auto workspace = pack_folder(*found->tree, files);
  if (!workspace) return std::unexpected(workspace.error());
  spec.folders.push_back(std::move(*workspace));
  for (const std::string& path : own_folders(*spawn.sandbox)) {
    auto folder = pack_folder(workspace::Stack(path, {}), files);
    if (!folder) return std::unexpected(folder.error());
    spec.folders.push_back(std::move(*folder));
  }
  return spec;
}

Result<JobSpec::Folder> SnapshotPacking::pack_folder(const workspace::Stack& tree,
                                                     engine::JobFiles& files) {
  const auto listed = list_tree(tree, known_);
  if (!listed) return std::unexpected(listed.error());
  if (auto sent = send(*listed, files); !sent) return std::unexpected(sent.error());
  const std::string text = engine::text_of(listed->entries);
  const Digest content = digest_of(text);
  if (auto put = files.put(content, text); !put) return std::unexpected(put.error());
  return JobSpec::Folder{tree.root(), content};
}

Result<void> SnapshotPacking::unpack(const engine::SpawnSpec& spawn,
                                     const engine::JobResult& result, engine::JobFiles& files) {
  const std::string& upper = spawn.sandbox->snapshot->upper;
  const std::string left = upper + ".left";
  remove_tree(left);
  // Folders that are no change themselves are made on the way. All are open to us so far: `freeze`
  // gives them their modes.
  std::vector<JobEntry> present;
  changes::Changeset changes;
  for (const JobEntry& entry : result.left) {
    changes.changes.push_back({entry.path, {}, entry.state});
    if (entry.state.kind == changes::Kind::absent) continue;
    present.push_back(entry);
    if (entry.state.kind == changes::Kind::folder) present.back().state.mode = 0700;
    for (std::string folder(workspace::folder_of(entry.path));;
         folder = workspace::folder_of(folder)) {
      present.push_back({folder, {changes::Kind::folder, 0700, 0, {}}});
      if (folder.empty()) break;
    }
  }
  std::ranges::sort(present, {}, &JobEntry::path);
  const auto same = std::ranges::unique(present, {}, &JobEntry::path);
  present.erase(same.begin(), same.end());
  if (auto made = make_folders(left); !made) return made;
  if (auto made = make_tree(left, {}, present, files); !made) return made;
  const auto found = found_by(*spawn.sandbox->snapshot);
  if (!found) return std::unexpected(found.error());
  if (auto frozen = freeze(left, upper, changes, *found->tree); !frozen) return frozen;
  remove_tree(left);
  if (!result.log) return {};
  const auto log = files.get(*result.log);
  if (!log) return std::unexpected(log.error());
  // Its records say their lengths: nothing can be taken out of it.
  if (options_.may_keep && !options_.may_keep(*log)) return {};
  if (auto made = make_folders(spawn.log_folder); !made) return made;
  return put_file(spawn.log_folder + "/" + options_.log_file(spawn.name), *log);
}

}  // namespace interlock::snapshots
