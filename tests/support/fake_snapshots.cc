#include "support/fake_snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace interlock::testing_support {

using changes::Change;
using changes::Changeset;
using changes::Kind;
using engine::AttemptName;

namespace {

constexpr std::string_view kWorkspace = "/workspace";

AttemptName work_of(AttemptName name) { return {name.task, name.attempt, 0}; }

Result<std::string> content_in(const FakeTree& tree, const std::string& path,
                               std::size_t max_bytes) {
  const std::string* content = tree.find(path);
  if (content == nullptr)
    return fail(Error::Kind::missing, fmt::format("there is no file `{}`", path));
  if (content->size() > max_bytes)
    return fail(Error::Kind::refused, fmt::format("`{}` is too large", path));
  return *content;
}

}  // namespace

FakeSnapshots::Version::Version(FakeTree found, FakeTree left)
    : before(std::move(found)), after(std::move(left)), changes(difference(before, after)) {}

FakeTree::Edits FakeSnapshots::Version::edits() const {
  FakeTree::Edits edits;
  for (const changes::Change& change : changes.changes) {
    if (change.after.kind == Kind::folder) continue;
    const std::string* content = after.find(change.path);
    edits[change.path] = content == nullptr ? std::nullopt : std::optional(*content);
  }
  return edits;
}

void FakeSnapshots::Version::make_upon(FakeTree& tree) const {
  tree.apply(edits());
  for (const changes::Change& change : changes.changes) {
    if (change.after.kind == Kind::folder) tree.keep_folder(change.path);
  }
}

FakeSnapshots::FakeSnapshots(FakeWorkspace& workspace) : workspace_(workspace) {
  workspace_.committed = [this] { return committed_files(); };
  workspace_.committed_folders = [this] { return committed_tree().folders(); };
}

FakeSnapshots::~FakeSnapshots() {
  workspace_.committed = {};
  workspace_.committed_folders = {};
}

void FakeSnapshots::insist(bool holds, std::string_view what) const {
  if (!holds && on_misuse) on_misuse(what);
  check(holds, what);
}

bool FakeSnapshots::is_in_layers(const std::string& path) const {
  return std::ranges::any_of(
      layers_, [&](const Layer& layer) { return layer.version.changes.find(path) != nullptr; });
}

const FakeTree* FakeSnapshots::found(AttemptName name) const {
  const auto kept = attempts_.find(name);
  return kept == attempts_.end() ? nullptr : &kept->second.versions.front().before;
}

std::vector<AttemptName> FakeSnapshots::harvested() const {
  std::vector<AttemptName> names;
  for (const auto& [name, attempt] : attempts_) names.push_back(name);
  return names;
}

void FakeSnapshots::leave(const FakeTree& tree) {
  insist(open_.empty(), "the workspace does not change under a picture");
  workspace_.files = tree.files();
  folders_ = tree.folders();
}

FakeTree FakeSnapshots::workspace_tree() const {
  FakeTree tree;
  for (const std::string& folder : folders_) tree.keep_folder(folder);
  for (const auto& [path, content] : workspace_.files) tree.write(path, content);
  folders_ = tree.folders();
  return tree;
}

FakeTree FakeSnapshots::committed_tree(std::size_t layers) const {
  FakeTree tree = workspace_tree();
  for (std::size_t i = 0; i < layers; ++i) layers_[i].version.make_upon(tree);
  return tree;
}

FakeSnapshots::Attempt& FakeSnapshots::attempt(AttemptName name) {
  const auto found = attempts_.find(work_of(name));
  insist(found != attempts_.end(), "an attempt is asked about after it was harvested");
  return found->second;
}

/// What an attempt finds, or its check: see `Views::open`.
FakeTree FakeSnapshots::tree_for(AttemptName name, std::size_t layers) const {
  if (name.phase == 0) return committed_tree(layers);
  const auto found = attempts_.find(work_of(name));
  insist(found != attempts_.end(), "an attempt is checked after it was harvested");
  if (name.phase == 1) return found->second.current().after;
  FakeTree tree = committed_tree(layers);
  found->second.current().make_upon(tree);
  return tree;
}

FakeSnapshot& FakeSnapshots::snapshot(AttemptName name) {
  const auto found = open_.find(name);
  insist(found != open_.end(), "an agent works on an open picture");
  return found->second.snapshot;
}

void FakeSnapshots::reserve(AttemptName name) { reserved_.insert_or_assign(name, layers_.size()); }

Result<engine::Snapshots::Opened> FakeSnapshots::open(const SnapshotSpec& spec) {
  call("open");
  if (auto error = failure("open")) return std::unexpected(*error);
  Opened opened;
  opened.folder = opened.sandbox.workspace = kWorkspace;
  opened.sandbox.watch = spec.watch;
  opened.sandbox.own_network = spec.own_network;
  // In the open but for its network.
  if (spec.isolation == plan::Isolation::direct) return opened;
  opened.sandbox.confined = true;
  opened.sandbox.writable = spec.writable;
  if (spec.isolation == plan::Isolation::guard) {
    insist(spec.footprint != nullptr, "a guard knows what it holds its attempt to");
    opened.sandbox.held_to = *spec.footprint;
    return opened;
  }
  opened.sandbox.writable.emplace_back(kWorkspace);
  const std::string own =
      fmt::format("/pictures/{}.{}.{}", spec.name.task.index(), spec.name.attempt, spec.name.phase);
  opened.sandbox.snapshot = {std::string(kWorkspace), {}, own + "/upper", own + "/work"};
  const auto reserved = reserved_.extract(spec.name);
  FakeTree shown = tree_for(spec.name, reserved ? reserved.mapped() : layers_.size());
  const bool is_new =
      open_
          .try_emplace(spec.name, Open{FakeSnapshot(std::move(shown)), person_touched_.size(),
                                       spec.watch != engine::Sandbox::Watch::changes,
                                       workspace_tree(), checkpoints_.size()})
          .second;
  insist(is_new, "a snapshot is opened once");
  return opened;
}

changes::ReadSet FakeSnapshots::reads_in(const FakeSnapshot& snapshot) const {
  return flaw == Flaw::forgets_missing_folders ? snapshot.reads_without_way() : snapshot.reads();
}

changes::ReadSet FakeSnapshots::reported_reads(const Open& open,
                                               const footprint::Footprint& footprint) const {
  changes::ReadSet reads;
  if (flaw == Flaw::reports_no_reads) {
    reads.from = changes::ReadsFrom::observed;
    return reads;
  }
  if (reads_known == changes::ReadsFrom::observed && open.is_watched)
    return reads_in(open.snapshot);
  if (reads_known == changes::ReadsFrom::everything || footprint.unknown) return reads;
  reads.from = changes::ReadsFrom::declared;
  const FakeTree& found = open.snapshot.found();
  for (const auto& [path, content] : found.files()) {
    if (footprint.reads.matches(path)) reads.content.push_back(path);
  }
  for (const footprint::Glob& glob : footprint.reads.include) {
    const std::string& path = glob.literal_prefix();
    if (glob.is_literal() && found.find(path) == nullptr) reads.presence.push_back(path);
  }
  std::ranges::sort(reads.presence);
  reads.presence.erase(std::ranges::unique(reads.presence).begin(), reads.presence.end());
  return reads;
}

Result<engine::Snapshots::Harvest> FakeSnapshots::harvest(AttemptName name, const engine::Observed&,
                                                          const footprint::Footprint& footprint) {
  call("harvest");
  if (auto error = failure("harvest")) return std::unexpected(*error);
  insist(name.phase == 0, "what a check changes is thrown away");
  Version version(snapshot(name).found(), snapshot(name).now());
  const Open& open = open_.at(name);
  Harvest harvest;
  harvest.changes = version.changes;
  harvest.reads = reported_reads(open, footprint);
  harvest.writes = open.snapshot.writes();
  harvest.writes.complete = harvest.reads.from == changes::ReadsFrom::observed;
  if (harvest.reads.from != changes::ReadsFrom::observed) harvest.gap = "its reads were not told";
  attempts_.try_emplace(
      name, Attempt{{std::move(version)}, open.edits_before, open.base, open.checkpoints_before});
  open_.erase(name);
  return harvest;
}

changes::ReadSet FakeSnapshots::reads_so_far(AttemptName name, const engine::Observed&) {
  call("reads_so_far");
  return reads_in(snapshot(name));
}

Result<std::string> FakeSnapshots::content(AttemptName name, const std::string& path, Side side,
                                           std::size_t max_bytes) {
  call("content");
  if (auto error = failure("content")) return std::unexpected(*error);
  const Version& version = attempt(name).current();
  if (side != Side::before) return content_in(version.after, path, max_bytes);
  if (version.changes.find(path) == nullptr)
    return fail(Error::Kind::missing, fmt::format("`{}` is not among its changes", path));
  return content_in(version.before, path, max_bytes);
}

Result<std::string> FakeSnapshots::committed(const std::string& path, std::size_t max_bytes) {
  call("committed");
  if (auto error = failure("committed")) return std::unexpected(*error);
  return content_in(committed_tree(), path, max_bytes);
}

void FakeSnapshots::person_edits(const std::string& path,
                                 const std::optional<std::string>& content) {
  const FakeTree before = workspace_tree();
  if (content) {
    workspace_.files[path] = *content;
  } else {
    workspace_.files.erase(path);
  }
  note_touched(before);
}

void FakeSnapshots::person_makes_folder(const std::string& path) {
  const FakeTree before = workspace_tree();
  insist(before.has_way_to(path), "a folder is made in a folder");
  folders_.insert(path);
  note_touched(before);
}

void FakeSnapshots::note_touched(const FakeTree& before) {
  for (const changes::Change& change : difference(before, workspace_tree()).changes) {
    person_touched_.push_back(change.path);
    if (change.before.kind == Kind::absent || change.after.kind == Kind::absent) {
      const std::size_t slash = change.path.rfind('/');
      person_touched_.push_back(slash == std::string::npos ? "" : change.path.substr(0, slash));
    }
  }
}

/// What the workspace would hold had nobody but checkpoints touched it.
FakeTree FakeSnapshots::expected_since(const FakeTree& base, std::size_t checkpoints_before) const {
  FakeTree expected = base;
  for (std::size_t i = checkpoints_before; i < checkpoints_.size(); ++i) {
    expected.apply(checkpoints_[i].edits);
    for (const std::string& folder : checkpoints_[i].folders) expected.keep_folder(folder);
  }
  return expected;
}

std::vector<std::string> FakeSnapshots::foreign(AttemptName name, const changes::ReadSet& reads,
                                                const Changeset& own) {
  call("foreign");
  if (flaw == Flaw::sees_nobody) return {};
  const auto running = open_.find(name);
  const FakeTree expected =
      running != open_.end()
          ? expected_since(running->second.base, running->second.checkpoints_before)
          : expected_since(attempt(name).base, attempt(name).checkpoints_before);
  const FakeTree now = workspace_tree();
  std::set<std::string> found;
  for (const std::string& path : reads.content) {
    if (now.state(path) != expected.state(path)) found.insert(path);
  }
  for (const Change& change : own.changes) {
    if (now.state(change.path) != expected.state(change.path)) found.insert(change.path);
  }
  for (const std::string& path : reads.presence) {
    const changes::State is = now.state(path), was = expected.state(path);
    if (is.kind != was.kind || is.mode != was.mode) found.insert(path);
  }
  for (const std::string& folder : reads.listing) {
    if (now.names_in(folder) != expected.names_in(folder)) found.insert(folder);
  }
  return {found.begin(), found.end()};
}

Result<Changeset> FakeSnapshots::amend(
    AttemptName name, const std::vector<std::pair<std::string, std::string>>& merged) {
  call("amend");
  if (auto error = failure("amend")) return std::unexpected(*error);
  Attempt& amended = attempt(name);
  FakeTree committed = committed_tree(), left = committed;
  FakeTree::Edits edits = amended.current().edits();
  for (const auto& [path, content] : merged) {
    insist(amended.versions.front().changes.find(path) != nullptr,
           "what is merged was changed by the attempt");
    edits[path] = content;
  }
  amended.current().make_upon(left);
  left.apply(edits);
  amended.versions.emplace_back(std::move(committed), std::move(left));
  return amended.current().changes;
}

/// Whether the attempt was harvested, or amended, with just these changes.
bool FakeSnapshots::has_version(const Kept& kept) const {
  const auto found = attempts_.find(kept.name);
  return found != attempts_.end() &&
         std::ranges::any_of(found->second.versions, [&](const Version& version) {
           return version.changes == *kept.changes;
         });
}

/// Forgets amendments that came after it.
const FakeSnapshots::Version& FakeSnapshots::go_back_to(const Kept& kept) {
  std::vector<Version>& versions = attempts_.at(kept.name).versions;
  while (versions.back().changes != *kept.changes) versions.pop_back();
  return versions.back();
}

Result<std::vector<std::string>> FakeSnapshots::commit(const Kept& kept, const std::string&) {
  call("commit");
  if (auto error = failure("commit")) return std::unexpected(*error);
  insist(has_version(kept), "what is committed was harvested or amended so");
  const FakeTree committed = committed_tree();
  const Attempt& attempt = attempts_.at(kept.name);
  const auto edited = person_touched_.begin() + static_cast<std::ptrdiff_t>(attempt.edits_before);
  for (const changes::Change& change : kept.changes->changes) {
    const changes::State now = committed.state(change.path);
    const bool is_persons = std::find(edited, person_touched_.end(), change.path) !=
                            person_touched_.end();  // `fold` will say so
    insist(now == change.before || now == change.after || is_persons,
           "a commit rests on the committed state");
  }
  layers_.push_back({kept.name, go_back_to(kept)});
  return std::vector<std::string>();
}

/// Where the workspace holds something that no layer found or left there.
std::vector<std::string> FakeSnapshots::paths_not_as_expected() const {
  const FakeTree workspace = workspace_tree();
  std::map<std::string, bool> expected;
  for (const Layer& layer : layers_) {
    for (const changes::Change& change : layer.version.changes.changes) {
      const changes::State now = workspace.state(change.path);
      // A folder that a person made meanwhile is as good as one made here.
      expected[change.path] |= now == change.before || now == change.after;
    }
  }
  std::vector<std::string> paths;
  for (const auto& [path, is_expected] : expected) {
    if (!is_expected) paths.push_back(path);
  }
  return paths;
}

Result<std::vector<std::string>> FakeSnapshots::checkpoint() {
  call("fold");
  if (auto error = failure("fold")) return std::unexpected(*error);
  insist(open_.empty(), "nothing is folded under an open picture");
  std::vector<std::string> others = paths_not_as_expected();
  if (!others.empty()) return others;
  FakeTree::Edits net;
  for (const Layer& layer : layers_) {
    for (auto& [path, content] : layer.version.edits()) {
      if (flaw != Flaw::checkpoints_backwards || !net.contains(path))
        net[path] = std::move(content);
    }
  }
  const std::map<std::string, std::string> at_first = workspace_.files;
  const auto saved_meanwhile = [&](const std::string& path) {
    const auto was = at_first.find(path);
    const auto is = workspace_.files.find(path);
    const bool was_there = was != at_first.end(), is_there = is != workspace_.files.end();
    return was_there != is_there || (was_there && was->second != is->second);
  };
  for (const auto& [path, content] : net) {
    call("fold path");
    if (flaw != Flaw::goes_over_saves && saved_meanwhile(path)) {
      others.push_back(path);
      continue;
    }
    if (!content && flaw == Flaw::keeps_deleted) continue;
    if (content) {
      workspace_.files[path] = *content;
    } else {
      workspace_.files.erase(path);
    }
  }
  if (!others.empty()) return others;
  call("fold path");
  std::set<std::string> made;
  for (const Layer& layer : layers_) {
    for (const Change& change : layer.version.changes.changes) {
      if (change.after.kind == Kind::folder) made.insert(change.path);
    }
  }
  folders_ = committed_tree().folders();
  checkpoints_.push_back({std::move(net), std::move(made)});
  for (const Layer& layer : layers_) checkpointed_.insert(layer.name);
  layers_.clear();
  return others;
}

void FakeSnapshots::discard(AttemptName name) {
  call("discard");
  open_.erase(name);
  const bool is_committed =
      std::ranges::any_of(layers_, [&](const Layer& layer) { return layer.name == name; }) ||
      checkpointed_.contains(name);
  if (name.phase == 0 && !is_committed) attempts_.erase(name);
}

Result<std::vector<AttemptName>> FakeSnapshots::recover(const std::vector<Kept>& committed,
                                                        const std::vector<Kept>& waiting) {
  call("take_up");
  if (auto error = failure("take_up")) return std::unexpected(*error);
  reserved_.clear();
  std::vector<AttemptName> lost;
  for (const auto* list : {&committed, &waiting}) {
    for (const Kept& kept : *list) {
      if (lost_.contains(kept.name) && !checkpointed_.contains(kept.name))
        lost.push_back(kept.name);
    }
  }
  if (!lost.empty()) return lost;
  std::vector<Layer> layers;
  std::set<AttemptName> kept_names;
  for (const auto* list : {&committed, &waiting}) {
    for (const Kept& kept : *list) {
      if (!has_version(kept))
        return fail(Error::Kind::missing, "the changes of an attempt are not there any more");
      kept_names.insert(kept.name);
      const Version& version = go_back_to(kept);
      // The dispatcher may have died between folding and noting it.
      if (list == &committed && !checkpointed_.contains(kept.name))
        layers.push_back({kept.name, version});
    }
  }
  std::erase_if(attempts_, [&](const auto& entry) {
    return !kept_names.contains(entry.first) && !checkpointed_.contains(entry.first);
  });
  open_.clear();
  layers_ = std::move(layers);
  return lost;
}

}  // namespace interlock::testing_support
