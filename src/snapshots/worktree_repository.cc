#include "snapshots/worktree_repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/git.h"
#include "workspace/beneath.h"
#include "workspace/content.h"
#include "workspace/stack.h"

namespace interlock::snapshots {
namespace {

namespace fs = std::filesystem;
using workspace::Descriptor;

constexpr std::size_t kTextBytesMax = 16u << 20;
constexpr std::size_t kRefsMax = 10'000;
constexpr int kRefDepthMax = 16;
constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";

bool is_hash(std::string_view text, std::size_t length) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == length && std::ranges::all_of(text, is_hex);
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + "\"";
}

/// `core.autocrlf`, `branch.a.b.merge`: what stands between the first and the last dot is a name of
/// the person's.
std::string setting_text(std::string_view key, std::optional<std::string_view> value) {
  const std::size_t first = key.find('.');
  const std::size_t last = key.rfind('.');
  std::string text = "[" + std::string(key.substr(0, first));
  if (last > first) text += " " + in_quotes(key.substr(first + 1, last - first - 1));
  text.append("]\n\t").append(key.substr(last + 1));
  return text + (value ? " = " + in_quotes(*value) : "") + "\n";
}

/// What a worktree's repository has of the person's settings: all of the repository's but where its
/// files are, and of the others what decides how files are stored and who commits.
bool is_carried(std::string_view scope, std::string_view key) {
  if (scope != "local" && scope != "worktree") {
    return scope != "command" && (key.starts_with("user.") || key.starts_with("filter.") ||
                                  key == "core.autocrlf" || key == "core.eol");
  }
  static constexpr std::array kNot{
      "core.worktree",       "core.bare",       "core.repositoryformatversion",
      "core.fsmonitor",      "core.splitindex", "core.sparsecheckout",
      "core.untrackedcache", "index.sparse",    "core.sparsecheckoutcone"};
  return !key.starts_with("extensions.") && !key.starts_with("include.") &&
         !key.starts_with("includeif.") && std::ranges::find(kNot, key) == kNot.end();
}

Result<std::string> carried_settings(const Repository& persons) {
  const auto reported = Git(persons.top).run({"config", "--list", "--show-scope", "-z"});
  if (!reported) return reported;
  const std::vector<std::string> parts = split_at_nul(*reported);
  std::string text;
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    const std::string_view entry = parts[i + 1];
    const std::size_t end = entry.find('\n');
    const std::string_view key = entry.substr(0, end);
    if (!is_carried(parts[i], key) || key.find('.') == std::string_view::npos) continue;
    text += setting_text(
        key, end == std::string_view::npos ? std::nullopt : std::optional(entry.substr(end + 1)));
  }
  return text;
}

Result<std::map<std::string, std::string>> refs_of(const Repository& persons) {
  const auto reported = Git(persons.top)
                            .run({"for-each-ref", "--format=%(refname) %(objectname)", "refs/heads",
                                  "refs/tags", "refs/remotes", "refs/notes", "refs/replace"});
  if (!reported) return std::unexpected(reported.error());
  std::map<std::string, std::string> refs;
  for (const std::string_view line : split_lines(*reported)) {
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      refs.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return refs;
}

/// One that is there to be copied; most repositories have none.
Result<void> copy_text(const std::string& from, const std::string& to) {
  const auto text = workspace::read_file(from, kTextBytesMax);
  if (text) return put_file(to, *text);
  return text.error().kind == Error::Kind::missing ? Result<void>() : std::unexpected(text.error());
}

/// What a task left below a folder, read without following any link it made.
class Left {
 public:
  explicit Left(const std::string& tree)
      : files_(tree, {}), top_(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  bool is_folder(const std::string& path) const {
    const auto found = files_.look(path);
    return found && S_ISDIR(found->status.st_mode);
  }
  std::set<std::string> names(const std::string& folder) const { return files_.names(folder); }

  std::optional<std::string> text(const std::string& path) const {
    const Descriptor file =
        workspace::open_beneath(top_.number(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status{};
    if (!file.is_open() || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode) ||
        static_cast<std::size_t>(status.st_size) > kTextBytesMax)
      return std::nullopt;
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
      const ssize_t count = ::read(file.number(), text.data() + filled, text.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
  }

 private:
  workspace::Stack files_;
  Descriptor top_;
};

/// Branches and tags, loose ones before packed ones, as git has them.
class LeftRefs {
 public:
  LeftRefs(const Left& left, std::size_t hash_length) : left_(left), length_(hash_length) {}

  std::map<std::string, std::string> read() {
    const auto packed = left_.text(".git/packed-refs");
    const std::string text = packed.value_or("");
    for (const std::string_view line : split_lines(text)) {
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos || !is_hash(line.substr(0, space), length_)) continue;
      take(std::string(line.substr(space + 1)), line.substr(0, space));
    }
    enter("refs/heads", 0);
    enter("refs/tags", 0);
    return std::move(refs_);
  }

 private:
  void take(const std::string& name, std::string_view hash) {
    if (name.starts_with(kHeads) || name.starts_with(kTags))
      refs_.insert_or_assign(name, std::string(hash));
  }
  void enter(const std::string& folder, int depth) {
    if (depth > kRefDepthMax) return;
    for (const std::string& name : left_.names(".git/" + folder)) {
      if (++count_ > kRefsMax) return;
      const std::string path = folder + "/" + name;
      if (left_.is_folder(".git/" + path)) {
        enter(path, depth + 1);
      } else if (const auto text = left_.text(".git/" + path)) {
        const std::string_view hash = std::string_view(*text).substr(0, text->find('\n'));
        if (is_hash(hash, length_)) take(path, hash);
      }
    }
  }

  const Left& left_;
  std::size_t length_;
  std::size_t count_ = 0;
  std::map<std::string, std::string> refs_;
};

using Settings = std::set<std::string>;  ///< `key` or `key\nvalue`.

std::optional<Settings> settings_in(const std::string& text) {
  const auto reported =
      Git("/").alone().run({"config", "--file", "-", "--no-includes", "--list", "-z"}, text);
  if (!reported) return std::nullopt;
  const std::vector<std::string> all = split_at_nul(*reported);
  return Settings(all.begin(), all.end());
}

std::optional<std::string> reported_settings(const Left& left, const Given& given) {
  const auto now = left.text(".git/config");
  if (now && *now == given.config) return std::nullopt;
  const auto after = now ? settings_in(*now) : std::nullopt;
  const auto before = settings_in(given.config);
  if (!after || !before) return "the configuration it left in its repository cannot be read";
  Settings differing;
  std::ranges::set_symmetric_difference(*before, *after, std::inserter(differing, differing.end()));
  std::set<std::string> keys;
  for (const std::string& one : differing) keys.insert(printable(one.substr(0, one.find('\n'))));
  if (keys.empty()) return std::nullopt;
  std::vector<std::string> named;
  for (const std::string& key : keys) named.push_back("`" + key + "`");
  return fmt::format("it changed {} in the configuration of its repository: left out",
                     join_words(named));
}

void note_programs(const Left& left, std::vector<std::string>& remarks) {
  std::vector<std::string> named;
  for (const std::string& name : left.names(".git/hooks"))
    named.push_back("`" + printable(name) + "`");
  if (!named.empty())
    remarks.push_back(
        fmt::format("the hooks {} it put into its repository were left out", join_words(named)));
}

/// Keeps what git itself would have written there, and nothing that could hold up or lead away who
/// reads it.
void purge_objects(const std::string& objects) {
  std::error_code error;
  std::vector<fs::path> unwanted;
  for (fs::directory_iterator it(objects, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    const bool is_folder = it->symlink_status(ignored).type() == fs::file_type::directory;
    const bool is_pack = name == "pack";
    if (!is_folder || (!is_pack && !is_hash(name, 2))) {
      unwanted.push_back(it->path());
      continue;
    }
    for (fs::directory_iterator in(it->path(), ignored), last; !ignored && in != last;
         in.increment(ignored)) {
      const std::string inner = in->path().filename().string();
      const bool is_known = is_pack ? inner.starts_with("pack-") &&
                                          (inner.ends_with(".pack") || inner.ends_with(".idx"))
                                    : is_hash(inner, 38) || is_hash(inner, 62);
      std::error_code unknown;
      if (!is_known || in->symlink_status(unknown).type() != fs::file_type::regular)
        unwanted.push_back(in->path());
    }
  }
  for (const fs::path& one : unwanted) remove_tree(one.string());
}

Result<void> import(const Repository& persons, const std::string& folder,
                    const std::map<std::string, std::string>& wanted, const std::string& base) {
  std::string tips = "^" + base + "\n";
  for (const auto& [name, hash] : wanted) tips += hash + "\n";
  const std::string list = folder + "/wanted.tips";
  const std::string pack = folder + "/wanted.pack";
  if (auto put = put_file(list, tips); !put) return put;
  constexpr int kFlags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
  const Descriptor from(::open(list.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor to(::open(pack.c_str(), kFlags, 0600));
  if (!from.is_open() || !to.is_open()) return cannot("write", pack, errno);
  Git theirs = Git(persons.top).of(persons.git_dir, persons.top);
  theirs.with_objects_of(in_quotes(folder + "/theirs"));
  auto done =
      theirs.stream({"pack-objects", "--revs", "--stdout", "-q"}, from.number(), to.number());
  if (done && ::lseek(to.number(), 0, SEEK_SET) != 0) done = cannot("read", pack, errno);
  // Without theirs: each object is hashed anew, and what it refers to has to be there.
  if (done) done = Git(persons.top).stream({"index-pack", "--stdin", "--strict"}, to.number(), -1);
  ::unlink(list.c_str());
  ::unlink(pack.c_str());
  return done;
}

}  // namespace

Result<Given> make_repository(const Repository& persons, const std::string& tree,
                              const std::string& branch, const std::string& base,
                              const std::function<void()>& before_step) {
  const std::string git_dir = tree + "/.git";
  const auto step = [&] {
    if (before_step) before_step();
  };
  step();
  if (auto made = Git(tree).alone().run(
          {"init", "--quiet", "--template=", "--object-format=" + persons.format, tree});
      !made)
    return std::unexpected(made.error());
  auto refs = refs_of(persons);
  if (!refs) return std::unexpected(refs.error());
  refs->insert_or_assign(std::string(kHeads) + branch, base);
  auto carried = carried_settings(persons);
  if (!carried) return std::unexpected(carried.error());
  // Each setting once: git changes none that is there twice.
  const bool is_sha1 = persons.format == "sha1";
  const std::string config =
      fmt::format("[core]\n\trepositoryformatversion = {}\n\tbare = false\n", is_sha1 ? 0 : 1) +
      (is_sha1 ? "" : setting_text("extensions.objectformat", persons.format));
  Given given{config + *carried, std::move(*refs)};
  std::string packed;
  for (const auto& [name, hash] : given.refs) packed += hash + " " + name + "\n";
  const bool is_plain =
      persons.objects.find('\n') == std::string::npos && !persons.objects.starts_with('"');
  const std::string alternate = is_plain ? persons.objects : in_quotes(persons.objects);
  const std::array<std::pair<const char*, std::string>, 4> texts{
      {{"config", given.config},
       {"packed-refs", packed},
       {"objects/info/alternates", alternate + "\n"},
       {"HEAD", "ref: " + std::string(kHeads) + branch + "\n"}}};
  if (auto made = make_folders(git_dir + "/info"); !made) return std::unexpected(made.error());
  for (const auto& [file, text] : texts) {
    step();
    if (auto put = put_file(git_dir + "/" + file, text); !put) return std::unexpected(put.error());
  }
  for (const char* file : {"info/exclude", "info/attributes", "shallow"}) {
    step();
    const std::string from = persons.common + "/" + file;
    if (auto put = copy_text(from, git_dir + "/" + file); !put) return std::unexpected(put.error());
  }
  step();
  const auto read = Git(tree).of(git_dir, tree).run({"read-tree", base});
  if (!read) return std::unexpected(read.error());
  return given;
}

std::vector<std::string> keep_wanted(const std::string& tree, const Given& given,
                                     const std::string& folder) {
  std::vector<std::string> remarks;
  const Left left(tree);
  if (!left.is_folder(".git"))
    return {"it took its repository away: what it did with git was left out"};
  if (auto reported = reported_settings(left, given)) remarks.push_back(std::move(*reported));
  note_programs(left, remarks);
  const std::size_t length = given.refs.begin()->second.size();
  std::map<std::string, std::string> now = LeftRefs(left, length).read();
  std::set<std::string> known;
  for (const auto& [name, hash] : given.refs) {
    known.insert(hash);
    if ((name.starts_with(kHeads) || name.starts_with(kTags)) && !now.contains(name))
      remarks.push_back(fmt::format("it deleted `{}`, which stays",
                                    printable(name.substr(name.find('/', 5) + 1))));
  }
  std::erase_if(now, [&](const auto& ref) {
    const auto before = given.refs.find(ref.first);
    return before != given.refs.end() && before->second == ref.second;
  });
  for (const auto& [name, hash] : now) known.insert(hash);
  const std::string head = left.text(".git/HEAD").value_or("");
  const std::string at = head.substr(0, head.find('\n'));
  if (is_hash(at, length) && !known.contains(at)) now.emplace("HEAD", at);
  if (left.text(".git/refs/stash")) remarks.emplace_back("what it stashed was left out");
  if (now.empty()) return remarks;
  std::string text;
  for (const auto& [name, hash] : now) text += hash + " " + name + "\n";
  const std::string objects = folder + "/theirs";
  remove_tree(objects);
  const bool kept = left.is_folder(".git/objects") &&
                    ::rename((tree + "/.git/objects").c_str(), objects.c_str()) == 0 &&
                    put_file(folder + "/wanted.refs", text);
  if (!kept) remarks.emplace_back("what it committed itself could not be kept");
  purge_objects(objects);
  return remarks;
}

Result<std::map<std::string, std::string>> take_wanted(const Repository& persons,
                                                       const std::string& folder,
                                                       const std::string& base) {
  std::map<std::string, std::string> wanted;
  const auto text = workspace::read_file(folder + "/wanted.refs", kTextBytesMax);
  if (!text && text.error().kind == Error::Kind::missing) return wanted;
  if (!text) return std::unexpected(text.error());
  for (const std::string_view line : split_lines(*text)) {
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      wanted.emplace(line.substr(space + 1), line.substr(0, space));
  }
  const Git git(persons.top);
  const auto is_there = [&](const auto& ref) {
    return git.run({"cat-file", "-e", ref.second}).has_value();
  };
  if (std::ranges::all_of(wanted, is_there)) return wanted;
  if (auto done = import(persons, folder, wanted, base); !done)
    return std::unexpected(done.error());
  for (const auto& [name, hash] : wanted) {
    if (!git.run({"cat-file", "-e", hash}))
      return fail(Error::Kind::io,
                  fmt::format("`{}` stands for nothing that is there", printable(name)));
  }
  return wanted;
}

}  // namespace interlock::snapshots
