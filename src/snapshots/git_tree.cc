#include "snapshots/git_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <span>

#include "base/text.h"
#include "snapshots/files.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

using changes::Kind;
using workspace::Descriptor;
using workspace::folder_of;
using workspace::is_at_or_below;
using workspace::name_of;

bool is_stored(const Leaf& leaf) { return leaf.kind == Kind::file || leaf.kind == Kind::link; }

/// Removes it in the end, whatever happens.
class Staging {
 public:
  explicit Staging(const std::string& place) : place_(place) { remove_tree(place_); }
  ~Staging() { remove_tree(place_); }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

 private:
  const std::string& place_;
};

class Put {
 public:
  Put(const Repository& repository, const std::string& index, Leaves leaves,
      const std::string& scratch)
      : repository_(repository),
        git_(repository.top),
        staged_(scratch),
        leaves_(std::move(leaves)),
        scratch_(scratch),
        staging_(scratch_) {
    git_.with_index(index);
    staged_.with_index(index)
        .of(repository.git_dir, scratch)
        .kept_out_of(repository.root,
                     {repository.git_dir, repository.common, repository.objects, scratch});
  }

  Result<std::vector<std::string>> run() {
    if (leaves_.empty()) return std::move(remarks_);
    if (auto kept = keep_repositories(); !kept) return std::unexpected(kept.error());
    // First what goes: a file may have become a folder.
    if (auto taken = take_away(); !taken) return std::unexpected(taken.error());
    for (const auto& [path, leaf] : leaves_) {
      if (!is_stored(leaf) || name_of(path) != ".gitattributes") continue;
      if (auto put = put_plainly(path, leaf); !put) return std::unexpected(put.error());
      stored_.insert(path);
    }
    if (auto made = make_folders(scratch_); !made) return std::unexpected(made.error());
    if (auto laid = lay_out_attributes(); !laid) return std::unexpected(laid.error());
    if (auto put = put_filtered(); !put) return std::unexpected(put.error());
    std::vector<std::string> paths;
    for (const auto& [path, leaf] : leaves_) {
      if (!is_stored(leaf) || stored_.contains(path)) continue;
      if (auto laid = lay_out(path, leaf); !laid) return std::unexpected(laid.error());
      paths.push_back(path);
    }
    if (!paths.empty()) add(paths);
    return std::move(remarks_);
  }

 private:
  Result<void> keep_repositories() {
    const auto entries = entries_of(git_);
    if (!entries) return std::unexpected(entries.error());
    for (const IndexEntry& entry : *entries) {
      modes_.emplace(entry.path, entry.mode);
      if (!entry.is_repository()) continue;
      const auto changed = std::erase_if(leaves_, [&](const auto& leaf) {
        // That the folder of a submodule is there says nothing of the commit it stands for.
        return is_at_or_below(leaf.first, entry.path);
      });
      if (changed > 0) remarks_.push_back(in_no_commit(entry.path));
    }
    return {};
  }

  Result<void> take_away() {
    std::string gone;
    for (const auto& [path, leaf] : leaves_) {
      if (!is_stored(leaf)) gone += fmt::format("0 {}\t{}{}", repository_.no_hash(), path, '\0');
    }
    if (gone.empty()) return {};
    const auto updated = git_.run({"update-index", "-z", "--index-info"}, gone);
    return updated ? Result<void>() : std::unexpected(updated.error());
  }

  /// Attributes say nothing of themselves here, and must not count as those that hold.
  Result<void> put_plainly(const std::string& path, const Leaf& leaf) {
    const bool is_link = leaf.kind == Kind::link;
    const auto hash = is_link ? git_.line({"hash-object", "-w", "--stdin"}, link_target(leaf.place))
                              : git_.line({"hash-object", "-w", "--no-filters", "--", leaf.place});
    if (!hash) return std::unexpected(hash.error());
    const auto put =
        git_.run({"update-index", "-z", "--index-info"},
                 fmt::format("{} {}\t{}{}", is_link ? "120000" : "100644", *hash, path, '\0'));
    return put ? Result<void>() : std::unexpected(put.error());
  }

  /// The files that a filter has a say in: it gets their bytes, in a folder with nothing but
  /// attributes in it, and with no access to the workspace: no program of a task's is run.
  Result<void> put_filtered() {
    std::string paths;
    for (const auto& [path, leaf] : leaves_) {
      if (leaf.kind == Kind::file && !stored_.contains(path)) paths.append(path).push_back('\0');
    }
    const auto reported = staged_.run({"check-attr", "-z", "--stdin", "filter"}, paths);
    if (!reported) return std::unexpected(reported.error());
    const std::vector<std::string> words = split_at_nul(*reported);
    for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
      if (words[i + 2] == "unspecified" || words[i + 2] == "unset") continue;
      stored_.insert(words[i]);
      const std::string& filter = words[i + 2];
      if (auto put = put_through_filter(words[i], leaves_.at(words[i]), filter); !put) return put;
    }
    return {};
  }

  Result<void> put_through_filter(const std::string& path, const Leaf& leaf,
                                  const std::string& filter) {
    struct stat status{};
    if (::lstat(leaf.place.c_str(), &status) != 0) return cannot("read", leaf.place, errno);
    const auto file = open_file(leaf.place, status, true);
    if (!file) return std::unexpected(file.error());
    // One that cannot be run must not be passed over: what it is to take out would stay in.
    const std::string driver = "filter." + filter;
    Git filtering = staged_;
    if (git_.line({"config", "--get", driver + ".clean"}) ||
        git_.line({"config", "--get", driver + ".process"}))
      filtering.with_setting(driver + ".required=true");
    const auto hash =
        filtering.run_on(file->number(), {"hash-object", "-w", "--stdin", "--path=" + path});
    if (!hash) {
      remarks_.push_back(
          fmt::format("`{}` is in no commit: {}", printable(path), hash.error().message));
      return {};
    }
    const auto put = git_.run({"update-index", "-z", "--index-info"},
                              fmt::format("{} {}\t{}{}", mode_of(path, leaf), *hash, path, '\0'));
    return put ? Result<void>() : std::unexpected(put.error());
  }

  /// Where the repository says that modes mean nothing, git keeps those it has.
  std::string mode_of(const std::string& path, const Leaf& leaf) {
    if (git_.line({"config", "--type=bool", "core.fileMode"}).value_or("") == "false") {
      const auto known = modes_.find(path);
      return known == modes_.end() ? "100644" : known->second;
    }
    return (leaf.mode & S_IXUSR) != 0 ? "100755" : "100644";
  }

  Result<void> lay_out(const std::string& path, const Leaf& leaf) {
    const std::string to = scratch_ + "/" + path;
    struct stat there{};
    // A folder of which HEAD had attributes, and that gave way to a file.
    if (::lstat(to.c_str(), &there) == 0) remove_tree(to);
    if (auto made = make_folders(scratch_ + "/" + std::string(folder_of(path))); !made) return made;
    if (leaf.kind == Kind::link) {
      return ::symlink(link_target(leaf.place).c_str(), to.c_str()) == 0
                 ? Result<void>()
                 : cannot("make the link", to, errno);
    }
    struct stat status{};
    if (::lstat(leaf.place.c_str(), &status) != 0) return cannot("read", leaf.place, errno);
    const auto from = open_file(leaf.place, status, true);
    if (!from) return std::unexpected(from.error());
    const mode_t mode = (leaf.mode & S_IXUSR) != 0 ? 0700 : 0600;
    const Descriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!copy.is_open()) return cannot("write", to, errno);
    return copy_bytes(from->number(), copy.number(), to);
  }

  /// Those of HEAD. Where the index has others, an empty file keeps git from going by them.
  Result<void> lay_out_attributes() {
    std::map<std::string, std::string> texts;
    const auto entries = entries_of(git_);
    if (!entries) return std::unexpected(entries.error());
    for (const IndexEntry& entry : *entries) {
      if (name_of(entry.path) == ".gitattributes") texts.emplace(entry.path, "");
    }
    // Without a commit there is no HEAD.
    const auto names = git_.run({"ls-tree", "-r", "-z", "--name-only", "HEAD"});
    for (const std::string& path : split_at_nul(names ? *names : std::string())) {
      if (name_of(path) != ".gitattributes") continue;
      auto text = git_.run({"cat-file", "blob", "HEAD:" + path});
      if (!text) return std::unexpected(text.error());
      texts.insert_or_assign(path, std::move(*text));
    }
    for (const auto& [path, text] : texts) {
      // Where a file took the place of the folder there is nothing left to say something about.
      if (!make_folders(scratch_ + "/" + std::string(folder_of(path)))) continue;
      if (auto put = put_file(scratch_ + "/" + path, text); !put) return put;
    }
    return {};
  }

  /// Halved until what git will not store stands alone.
  void add(std::span<const std::string> paths) {
    std::string list;
    for (const std::string& path : paths) list.append(path).push_back('\0');
    const auto added = staged_.run({"update-index", "-z", "--add", "--replace", "--stdin"}, list);
    if (added) return;
    if (paths.size() == 1) {
      remarks_.push_back(
          fmt::format("`{}` is in no commit: {}", printable(paths.front()), added.error().message));
      return;
    }
    add(paths.first(paths.size() / 2));
    add(paths.subspan(paths.size() / 2));
  }

  const Repository& repository_;
  Git git_, staged_;
  Leaves leaves_;
  const std::string& scratch_;
  Staging staging_;
  std::vector<std::string> remarks_;
  std::set<std::string> stored_;
  std::map<std::string, std::string> modes_;  ///< Of the index's entries.
};

}  // namespace

std::string in_no_commit(const std::string& repository) {
  return fmt::format("what it changed in `{}` is in no commit: that is a repository of its own",
                     printable(repository));
}

Leaves leaves_of(const std::vector<workspace::Layer>& layers, const std::string& prefix) {
  Leaves leaves;
  for (const workspace::Layer& layer : layers) {
    for (const changes::Change& change : layer.changes->changes)
      leaves[prefix + change.path] = {change.after.kind, change.after.mode,
                                      layer.after + "/" + change.path};
  }
  return leaves;
}

Result<std::vector<std::string>> put_in_index(const Repository& repository,
                                              const std::string& index, Leaves leaves,
                                              const std::string& scratch) {
  return Put(repository, index, std::move(leaves), scratch).run();
}

Result<std::string> commit_index(const Git& git, const std::string& parent,
                                 const std::string& message) {
  const auto tree = git.line({"write-tree"});
  if (!tree) return tree;
  std::vector<std::string> arguments;
  if (!git.line({"config", "user.name"}) || !git.line({"config", "user.email"}))
    arguments = {"-c", "user.name=Interlock", "-c", "user.email=interlock@localhost"};
  arguments.insert(arguments.end(), {"commit-tree", *tree});
  if (!parent.empty()) arguments.insert(arguments.end(), {"-p", parent});
  return git.line(arguments, message);
}

std::string commit_of(const Git& git, const std::string& name) {
  return git.line({"rev-parse", "--verify", "--quiet", name + "^{commit}"}).value_or("");
}

namespace {

std::vector<std::string_view> words_in(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    words.push_back(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(text.size(), words.back().size() + 1));
  }
  return words;
}

}  // namespace

/// Lines `<tag> <mode> <hash> <stage>\t<path>`; the tag is small for `assume-unchanged` and an S
/// for what a sparse checkout left out.
Result<std::vector<IndexEntry>> entries_of(const Git& git) {
  const auto reported = git.run({"ls-files", "-z", "--stage", "-v"});
  if (!reported) return std::unexpected(reported.error());
  std::vector<IndexEntry> entries;
  for (const std::string& line : split_at_nul(*reported)) {
    const std::size_t tab = line.find('\t');
    const std::vector<std::string_view> words = words_in(std::string_view(line).substr(0, tab));
    if (tab == std::string::npos || words.size() != 4)
      return fail(Error::Kind::io, "`git ls-files` said something that is not known");
    const char tag = words[0].front();
    entries.push_back({std::string(words[1]), std::string(words[2]), line.substr(tab + 1),
                       words[3].front() - '0', tag == 'S' || tag == 's', tag >= 'a' && tag <= 'z'});
  }
  return entries;
}

}  // namespace interlock::snapshots
