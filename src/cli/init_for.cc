#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ranges>

#include "base/digest.h"
#include "base/text.h"
#include "cli/client_setup.h"
#include "cli/commands.h"
#include "sys/descriptor.h"
#include "workspace/content.h"

// `init --for CLIENT`: lets an agent's client reach Interlock, without a byte of its settings lost;
// and takes it back with `--undo`.
namespace interlock::cli {
namespace {

namespace fs = std::filesystem;
using sys::Descriptor;

constexpr std::size_t kSettingsBytesMax = 4u << 20;

struct Edit {
  std::string file;  ///< Absolute.
  std::string before, after, added;
  bool is_new = false;
};

std::unexpected<Error> cannot(const std::string& doing, const std::string& file,
                              const std::string& why) {
  return fail(Error::Kind::io, fmt::format("cannot {} `{}`: {}", doing, printable(file), why));
}

Result<std::optional<std::string>> read_settings(const std::string& file) {
  std::error_code trouble;
  if (!fs::exists(fs::symlink_status(file, trouble))) return std::nullopt;
  auto text = workspace::read_file(file, kSettingsBytesMax);
  if (!text) return std::unexpected(text.error());
  return std::move(*text);
}

/// In one step, so that a client never reads half of it. A link stays one, and what it leads to
/// changes.
Result<void> write_settings(const std::string& named, const std::string& text) {
  std::error_code trouble;
  fs::create_directories(fs::path(named).parent_path(), trouble);
  std::string file = fs::weakly_canonical(named, trouble).string();
  if (trouble) file = named;
  struct stat status{};
  const mode_t mode = ::stat(file.c_str(), &status) == 0 ? status.st_mode & 07777 : 0644;
  std::string half = file + ".XXXXXX";
  const sys::Descriptor out(::mkostemp(half.data(), O_CLOEXEC));
  if (!out) return cannot("write", file, std::strerror(errno));
  const bool is_whole =
      ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fchmod(out.get(), mode) == 0 && ::fsync(out.get()) == 0;
  if (is_whole && ::rename(half.c_str(), file.c_str()) == 0) return {};
  const int why = errno;
  ::unlink(half.c_str());
  return cannot("write", file, std::strerror(why));
}

/// Of a hook of ours that is there: whether it is called otherwise than this change would have it.
bool has_other_options(const SettingsChange& change, const std::string& document) {
  if (change.how != SettingsChange::How::element) return false;
  const std::string wanted = canonical_json(change.value);
  const std::size_t begin = wanted.find(change.text);
  return begin != wanted.npos &&
         !document.contains(wanted.substr(begin, wanted.find('"', begin) + 1 - begin));
}

/// All that is to be changed; an error before anything is.
Result<std::vector<Edit>> edits_for(const std::vector<SettingsChange>& changes,
                                    const fs::path& folder) {
  std::vector<Edit> edits;
  for (const SettingsChange& change : changes) {
    Edit edit{(folder / change.file).string(), {}, {}, {}, false};
    const auto earlier = std::ranges::find(edits | std::views::reverse, edit.file, &Edit::file);
    if (earlier != edits.rend()) {
      edit.before = earlier->after;
    } else {
      auto there = read_settings(edit.file);
      if (!there) return std::unexpected(there.error());
      edit.is_new = !*there;
      edit.before = there->value_or("");
    }
    const auto added = addition_for(change, edit.before);
    if (!added) {
      return fail(
          added.error().kind,
          fmt::format("`{}` is left as it is: {}", printable(edit.file), added.error().message),
          "nothing was changed; mend or move it, and try again");
    }
    if (!*added && has_other_options(change, edit.before)) {
      return fail(
          Error::Kind::refused,
          fmt::format("`{}` has our hook already, with other options", printable(edit.file)),
          "nothing was changed; take it back with `--undo` first");
    }
    if (!*added) continue;
    edit.added = (*added)->text;
    edit.after = with(edit.before, **added);
    edits.push_back(std::move(edit));
  }
  return edits;
}

std::string record_of(const Context& context, const std::string& client, const fs::path& folder) {
  return fmt::format("{}/init/{}.json", context.state_folder,
                     digest_of(client + "\n" + folder.string()).hex().substr(0, 24));
}

Result<json::array> read_record(const std::string& file) {
  auto there = read_settings(file);
  if (!there) return std::unexpected(there.error());
  if (!*there) return json::array{};
  const auto parsed = parse_json(**there);
  if (!parsed || !parsed->is_array()) return cannot("read", file, "it is not a list");
  return parsed->get_array();
}

/// How a client calls us: by name where that leads here, so that a project's settings serve
/// colleagues too; else by the whole path.
std::string own_name() {
  std::error_code trouble;
  const fs::path own = fs::read_symlink("/proc/self/exe", trouble);
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path found = fs::path(rest.substr(0, end)) / "interlock";
    if (::access(found.c_str(), X_OK) == 0)
      return fs::equivalent(found, own, trouble) ? "interlock" : own.string();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return own.string();
}

/// Each file once, with what became of it in the end; written anew stays that.
void add_to(json::array& reported, const std::string& file, std::string_view what) {
  for (json::value& one : reported) {
    if (one.at("file").as_string() != file) continue;
    if (one.at("what").as_string() != "written") one.as_object()["what"] = json::string(what);
    return;
  }
  reported.push_back(json::object{{"file", file}, {"what", json::string(what)}});
}

void report(const Context& context, json::array files, const std::string& note) {
  if (context.json) {
    context.console.result(pretty_json(
        json::object{{"version", 1},
                     {"files", std::move(files)},
                     {"note", note.empty() ? json::value(nullptr) : json::value(note)}}));
    return;
  }
  for (const json::value& one : files)
    context.console.result(fmt::format("{:<8} {}\n", std::string(one.at("what").as_string()),
                                       std::string(one.at("file").as_string())));
  if (!note.empty()) context.console.remark("note: " + note);
}

Result<Exit> undo(const Context& context, const std::string& client, const fs::path& folder) {
  const std::string record = record_of(context, client, folder);
  auto kept = read_record(record);
  if (!kept) return std::unexpected(kept.error());
  if (kept->empty()) {
    return fail(Error::Kind::missing,
                fmt::format("nothing is known of an `init --for {}` in `{}`", client,
                            printable(folder.string())),
                "it is undone in the folder, and with the `--state`, that it was made with");
  }
  json::array reported;
  std::string edited;
  for (auto at = kept->rbegin(); at != kept->rend(); ++at) {
    const std::string file(at->at("file").as_string());
    const std::string added(at->at("added").as_string());
    auto there = read_settings(file);
    if (!there) return std::unexpected(there.error());
    if (!*there) continue;
    const auto rest = without(**there, added);
    if (!rest) {
      edited += fmt::format("{}`{}`", edited.empty() ? "" : " and ", printable(file));
      continue;
    }
    const bool goes = at->at("is_new").as_bool() && rest->empty();
    if (goes && ::unlink(file.c_str()) != 0) return cannot("remove", file, std::strerror(errno));
    if (!goes) {
      if (auto written = write_settings(file, *rest); !written)
        return std::unexpected(written.error());
    }
    std::error_code ignored;
    // Folders that were made for it, where nothing else has come into them.
    for (fs::path above = fs::path(file).parent_path();
         goes && above != folder && fs::remove(above, ignored);)
      above = above.parent_path();
    add_to(reported, file, goes ? "removed" : "restored");
  }
  ::unlink(record.c_str());
  report(context, std::move(reported),
         edited.empty() ? "" : edited + " was edited since, and is left as it is");
  return Exit::done;
}

}  // namespace

Result<Exit> init_for_command(const Context& context, const InitForClient& request) {
  if (context.state_folder.empty())
    return fail(Error::Kind::invalid, "there is no place to note what `--undo` is to take back",
                "pass `--state DIR`");
  std::error_code trouble;
  const fs::path folder = fs::canonical(request.folder, trouble);
  if (trouble) return cannot("find the folder", request.folder, trouble.message());
  if (request.undo) return undo(context, request.client, folder);
  std::vector<std::string> options;
  if (request.enforce) options.emplace_back("--enforce");
  if (request.most > 0) options.insert(options.end(), {"--most", std::to_string(request.most)});
  const auto changes = setup_for_client(request.client, own_name(), options);
  if (!changes)
    return fail(Error::Kind::invalid,
                fmt::format("there is no client `{}`", printable(request.client)),
                "there are: " + join_words(clients_to_set_up(), 8));
  const auto edits = edits_for(*changes, folder);
  if (!edits) return std::unexpected(edits.error());
  const std::string record = record_of(context, request.client, folder);
  auto kept = read_record(record);
  if (!kept) return std::unexpected(kept.error());
  json::array reported;
  for (const Edit& edit : *edits) {
    // First what undoes it: whatever happens in between, it can be taken back.
    kept->push_back(
        json::object{{"file", edit.file}, {"added", edit.added}, {"is_new", edit.is_new}});
    if (auto noted = write_settings(record, canonical_json(*kept) + "\n"); !noted)
      return std::unexpected(noted.error());
    if (auto written = write_settings(edit.file, edit.after); !written)
      return std::unexpected(written.error());
    add_to(reported, edit.file, edit.is_new ? "written" : "added to");
  }
  const bool is_there = reported.empty();
  report(context, std::move(reported),
         is_there ? "everything is there already" : trust_wanted(request.client));
  if (!is_there)
    context.console.remark(
        fmt::format("undo: interlock init --for {} --undo{}", request.client,
                    request.folder == "." ? "" : " --in " + shell_quote(request.folder)));
  return Exit::done;
}

}  // namespace interlock::cli
