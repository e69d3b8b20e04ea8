#include "support/fake_picture.h"

#include "footprint/overlap.h"

namespace interlock::testing_support {

using changes::Kind;

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

const std::string* FakeTree::find(const std::string& path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? nullptr : &at->second;
}

changes::State FakeTree::state(const std::string& path) const {
  if (const std::string* content = find(path))
    return {Kind::file, 0644, static_cast<std::int64_t>(content->size()), digest_of(*content)};
  if (folders_.contains(path)) return {Kind::folder, 0755, 0, {}};
  return {};
}

std::vector<std::string> FakeTree::names_in(const std::string& folder) const {
  std::set<std::string> names;
  const auto add = [&](const std::string& path) {
    if (folder_of(path) == folder) names.insert(path.substr(path.rfind('/') + 1));
  };
  for (const auto& [path, content] : files_) add(path);
  for (const std::string& path : folders_) add(path);
  return {names.begin(), names.end()};
}

bool FakeTree::write(const std::string& path, const std::string& content) {
  if (folders_.contains(path)) return false;
  for (std::string above = folder_of(path); !above.empty(); above = folder_of(above)) {
    if (files_.contains(above)) return false;
  }
  for (std::string above = folder_of(path); !above.empty(); above = folder_of(above))
    folders_.insert(above);
  files_[path] = content;
  return true;
}

void FakeTree::apply(const Edits& edits) {
  for (const auto& [path, content] : edits) {
    if (!content) erase(path);
  }
  for (const auto& [path, content] : edits) {
    if (content) write(path, *content);
  }
}

changes::Changeset difference(const FakeTree& before, const FakeTree& after) {
  std::set<std::string> paths;
  for (const FakeTree* tree : {&before, &after}) {
    for (const auto& [path, content] : tree->files()) paths.insert(path);
    paths.insert(tree->folders().begin(), tree->folders().end());
  }
  changes::Changeset changeset;
  for (const std::string& path : paths) {
    const changes::State old = before.state(path), now = after.state(path);
    if (old != now) changeset.changes.push_back({path, old, now});
  }
  return changeset;
}

const std::string* FakeSnapshot::read(const std::string& path) {
  content_.insert(path);
  return now_.find(path);
}

std::vector<std::string> FakeSnapshot::list(const std::string& folder) {
  listing_.insert(folder);
  return now_.names_in(folder);
}

bool FakeSnapshot::exists(const std::string& path) {
  presence_.insert(path);
  return now_.state(path).kind != Kind::absent;
}

bool FakeSnapshot::write(const std::string& path, const std::string& content) {
  if (!touched_.contains(path) && (content_.contains(path) || presence_.contains(path)))
    updated_.insert(path);
  touched_.insert(path);
  if (now_.write(path, content)) return true;
  // That it could not be is something that the attempt has learnt.
  for (std::string at = path; !at.empty(); at = folder_of(at)) presence_.insert(at);
  return false;
}

void FakeSnapshot::erase(const std::string& path) {
  touched_.insert(path);
  now_.erase(path);
}

changes::ReadSet FakeSnapshot::reads() const {
  std::set<std::string> content = content_;
  for (const std::string& path : touched_) {
    if (found_.state(path) == now_.state(path)) content.insert(path);
  }
  return {changes::ReadsFrom::observed,
          {content.begin(), content.end()},
          {listing_.begin(), listing_.end()},
          {presence_.begin(), presence_.end()}};
}

changes::WriteSet FakeSnapshot::writes() const {
  changes::WriteSet writes{true, {}, {}, {}};
  std::set<std::string> paths = touched_;
  for (const changes::Change& change : difference(found_, now_).changes) paths.insert(change.path);
  for (const std::string& path : paths) {
    const bool is_there =
        found_.state(path).kind != Kind::absent || now_.state(path).kind != Kind::absent;
    (is_there ? writes.paths : writes.passing).push_back(path);
    if (is_there && updated_.contains(path)) writes.updated.push_back(path);
  }
  return writes;
}

}  // namespace interlock::testing_support
