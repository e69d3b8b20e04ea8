#include "snapshots/repository.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "base/text.h"
#include "snapshots/git.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {

std::string repository_top(const std::string& root) {
  for (std::string at = root; !at.empty(); at = workspace::folder_of(at)) {
    if (::access((at + "/.git").c_str(), F_OK) == 0) return at;
  }
  return {};
}

namespace {

/// A file of the workspace that git's settings include: whoever writes it says which programs git
/// runs. Empty: none is. It need not be there yet.
std::string included_file(const Repository& repository) {
  const auto reported = Git(repository.top)
                            .run({"config", "-z", "--show-origin", "--type=path", "--get-regexp",
                                  "^include(if\\..*)?\\.path$"});
  if (!reported) return {};  // There are none.
  const std::vector<std::string> words = split_at_nul(*reported);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string from = words[i].substr(words[i].find(':') + 1);
    const std::filesystem::path file = words[i + 1].substr(words[i + 1].find('\n') + 1);
    // A path that is not whole goes on from the file that names it.
    const auto whole =
        std::filesystem::path(repository.top) / std::filesystem::path(from).parent_path() / file;
    std::error_code error;
    const std::string real = std::filesystem::weakly_canonical(whole, error).string();
    if (error) return whole.string();
    const bool is_gits = workspace::is_at_or_below(real, repository.git_dir) ||
                         workspace::is_at_or_below(real, repository.common);
    if (workspace::is_at_or_below(real, repository.root) && !is_gits) return real;
  }
  return {};
}

}  // namespace

Result<Repository> repository_of(const std::string& root) {
  Repository repository;
  repository.root = root;
  repository.top = repository_top(root);
  if (repository.top.empty()) {
    return fail(Error::Kind::refused, fmt::format("`{}` is in no git repository", printable(root)),
                "choose the isolation `view`, or `git init` there");
  }
  const auto reported =
      Git(repository.top)
          .run({"rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
                "--git-path", "objects", "--show-object-format", "--show-prefix"});
  if (!reported) {
    // Its configuration can name programs, so git runs in no repository of somebody else.
    if (reported.error().message.find("dubious ownership") == std::string::npos)
      return std::unexpected(reported.error());
    struct stat status{};
    ::lstat((repository.top + "/.git").c_str(), &status);
    return fail(
        Error::Kind::refused,
        fmt::format("the git repository `{}` belongs to another user ({}), and git does "
                    "not trust it",
                    printable(repository.top), status.st_uid),
        fmt::format("git config --global --add safe.directory {}", shell_quote(repository.top)));
  }
  const std::vector<std::string_view> lines = split_lines(*reported);
  // An empty prefix: what git found is the folder we mean, and not one around it.
  if (lines.size() < 4 || (lines.size() > 4 && !lines[4].empty())) {
    return fail(Error::Kind::refused,
                fmt::format("`{}` is not a git repository that git knows",
                            printable(repository.top + "/.git")),
                "see what `git status` says there");
  }
  repository.git_dir = lines[0];
  repository.common = lines[1];
  repository.objects = lines[2];
  repository.format = lines[3];
  if (const std::string file = included_file(repository); !file.empty()) {
    return fail(
        Error::Kind::refused,
        fmt::format(
            "git's settings for `{}` include `{}`, which tasks can write, and they can name "
            "programs that git runs",
            printable(repository.top), printable(file)),
        "move that file out of the workspace, or choose the isolation `view`");
  }
  return repository;
}

Result<void> has_room_for_branches(const Repository& repository) {
  const Git git(repository.top);
  if (!git.run({"show-ref", "--verify", "--quiet", "refs/heads/interlock"})) return {};
  return fail(Error::Kind::refused,
              fmt::format("cannot make branches `interlock/...` in `{}`: it has a branch "
                          "`interlock`, and git takes only one of the two",
                          printable(repository.top)),
              "git branch -m interlock NEW-NAME");
}

bool ignores_workspace(const Repository& repository, const std::string& root) {
  if (root == repository.top) return false;
  const std::string path = prefix_of(root, repository.top) + '\0';
  const auto ignored = Git(repository.top).run({"check-ignore", "-z", "--stdin"}, path);
  return ignored && !ignored->empty();
}

std::string prefix_of(const std::string& root, const std::string& top) {
  return root == top ? std::string() : root.substr(top.size() + 1) + "/";
}

}  // namespace interlock::snapshots
