#include "process/program.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "footprint/overlap.h"

namespace interlock::process {
namespace {

enum class Found : unsigned char { nothing, not_executable, program };

Found probe(const std::string& place) {
  struct stat status{};
  if (::stat(place.c_str(), &status) != 0) return Found::nothing;
  const bool executable = S_ISREG(status.st_mode) && ::access(place.c_str(), X_OK) == 0;
  return executable ? Found::program : Found::not_executable;
}

/// A snapshot shows of its layers the uppermost that holds the path; one that hides it holds a
/// device there.
Found probe_in(const engine::Sandbox::Snapshot& snapshot, const std::string& place) {
  const std::string below = place.substr(snapshot.at.size());
  const auto shown_by = [&](const std::string& layer) {
    struct stat status{};
    return ::lstat((layer + below).c_str(), &status) == 0;
  };
  if (shown_by(snapshot.upper)) return probe(snapshot.upper + below);
  for (const std::string& layer : snapshot.layers) {
    if (shown_by(layer)) return probe(layer + below);
  }
  return probe(place);
}

}  // namespace

Result<std::string> find_program(const std::string& name, const std::string& path,
                                 const std::string& folder,
                                 const engine::Sandbox::Snapshot* snapshot) {
  const auto look_for = [&](const std::string& file) {
    const std::string place = file.starts_with('/') ? file : folder + "/" + file;
    const bool in_snapshot = snapshot != nullptr && footprint::is_at_or_below(place, snapshot->at);
    return in_snapshot ? probe_in(*snapshot, place) : probe(place);
  };
  const auto refuse = [&](const std::string& file) {
    return fail(
        Error::Kind::missing,
        fmt::format("cannot execute `{}`: `{}` is not an executable file", name, file),
        fmt::format("make it executable with `chmod +x {}`, or name its interpreter", file));
  };
  if (name.find('/') != std::string::npos) {
    switch (look_for(name)) {
      case Found::program: return name;
      case Found::not_executable: return refuse(name);
      case Found::nothing:
        return fail(Error::Kind::missing,
                    fmt::format("cannot execute `{}`: no such file in `{}`", name, folder));
    }
  }
  std::string unusable;
  for (std::string_view rest = path; !name.empty();) {
    const auto colon = rest.find(':');
    const std::string_view entry = rest.substr(0, colon);
    std::string file = entry.empty() ? "./" + name : fmt::format("{}/{}", entry, name);
    const Found found = look_for(file);
    if (found == Found::program) return file;
    if (found == Found::not_executable && unusable.empty()) unusable = std::move(file);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (!unusable.empty()) return refuse(unusable);
  return fail(Error::Kind::missing, fmt::format("cannot execute `{}`: not found in PATH", name),
              "install it, or give its whole path");
}

}  // namespace interlock::process
