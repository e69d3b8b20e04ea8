#include "views/git_tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "views/files.h"

namespace interlock::views {
namespace {

using changes::Kind;
using changes::State;

struct Leaf {
  State after;
  std::string place;  ///< Where its bytes are.
  std::string hash;
};

constexpr std::string_view kNoHash = "0000000000000000000000000000000000000000";

std::map<std::string, Leaf> leaves_of(const std::vector<workspace::Layer>& layers) {
  std::map<std::string, Leaf> leaves;
  for (const workspace::Layer& layer : layers) {
    for (const changes::Change& change : layer.changes->changes)
      leaves[change.path] = {change.after, layer.after + "/" + change.path, {}};
  }
  return leaves;
}

Result<void> hash_files(const Git& git, std::map<std::string, Leaf>& leaves) {
  std::string places;
  std::vector<Leaf*> in_order;
  for (auto& [path, leaf] : leaves) {
    if (leaf.after.kind != Kind::file && leaf.after.kind != Kind::link) continue;
    if (leaf.after.kind == Kind::file && leaf.place.find('\n') == std::string::npos) {
      places += leaf.place + "\n";
      in_order.push_back(&leaf);
      continue;
    }
    // A list of names cannot say a line's end; a link is its target.
    const bool is_link = leaf.after.kind == Kind::link;
    const auto hash = is_link ? git.line({"hash-object", "-w", "--stdin"}, link_target(leaf.place))
                              : git.line({"hash-object", "-w", "--no-filters", "--", leaf.place});
    if (!hash) return std::unexpected(hash.error());
    leaf.hash = *hash;
  }
  if (in_order.empty()) return {};
  const auto hashes = git.run({"hash-object", "-w", "--no-filters", "--stdin-paths"}, places);
  if (!hashes) return std::unexpected(hashes.error());
  std::string_view rest = *hashes;
  for (Leaf* leaf : in_order) {
    leaf->hash = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), leaf->hash.size() + 1));
  }
  return {};
}

Result<void> leave_out_ignored(const Git& git, const std::string& prefix,
                               std::map<std::string, Leaf>& leaves) {
  std::string paths;
  for (const auto& [path, leaf] : leaves) {
    if (leaf.after.kind == Kind::file || leaf.after.kind == Kind::link)
      paths.append(prefix).append(path).push_back('\0');
  }
  // It says 1 when none is ignored.
  const auto ignored = git.run({"check-ignore", "-z", "--stdin"}, paths);
  if (!ignored) return {};
  std::string_view rest = *ignored;
  while (!rest.empty()) {
    const std::string_view path = rest.substr(0, rest.find('\0'));
    leaves.erase(std::string(path.substr(std::min(prefix.size(), path.size()))));
    rest.remove_prefix(std::min(rest.size(), path.size() + 1));
  }
  return {};
}

}  // namespace

Result<void> put_layers(const Git& git, const std::vector<workspace::Layer>& layers,
                        const std::string& prefix, bool but_ignored) {
  std::map<std::string, Leaf> leaves = leaves_of(layers);
  if (leaves.empty()) return {};
  if (but_ignored) {
    if (auto done = leave_out_ignored(git, prefix, leaves); !done) return done;
  }
  if (auto hashed = hash_files(git, leaves); !hashed) return hashed;
  std::string gone;
  std::string come;
  for (const auto& [path, leaf] : leaves) {
    const std::string named = fmt::format("\t{}{}{}", prefix, path, '\0');
    if (leaf.hash.empty()) {
      gone.append("0 ").append(kNoHash).append(named);
      continue;
    }
    const bool is_program = (leaf.after.mode & S_IXUSR) != 0;
    const char* mode = leaf.after.kind == Kind::link ? "120000" : is_program ? "100755" : "100644";
    come.append(mode).append(" ").append(leaf.hash).append(named);
  }
  // First what goes: a file may have become a folder.
  const auto updated = git.run({"update-index", "-z", "--index-info"}, gone + come);
  return updated ? Result<void>() : std::unexpected(updated.error());
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

std::string prefix_of(const std::string& root, const std::string& top) {
  return root == top ? std::string() : root.substr(top.size() + 1) + "/";
}

}  // namespace interlock::views
