#include "gateway/recordings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "gateway/difference.h"
#include "sys/descriptor.h"

namespace interlock::gateway {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> io_error(std::string_view act, const std::string& path, int code) {
  return fail(Error::Kind::io, fmt::format("cannot {} `{}`: {}", act, path, std::strerror(code)));
}

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> write_whole(const std::string& path, std::string_view text) {
  const std::string fresh = fmt::format("{}.{}.new", path, ::getpid());
  {
    // What agents and models say is for the owner only.
    const sys::Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return io_error("write", fresh, errno);
    while (!text.empty()) {
      const ssize_t count = ::write(file.get(), text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int code = errno;
        ::unlink(fresh.c_str());
        return io_error("write", fresh, code);
      }
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) == 0) return {};
  const int code = errno;
  ::unlink(fresh.c_str());
  return io_error("write", path, code);
}

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  const bool is_new = fs::create_directories(path, error);
  if (error) return io_error("make", path, error.value());
  if (is_new) ::chmod(path.c_str(), 0700);
  return {};
}

std::string name_of(const KnownRequest& request, std::uint32_t nth) {
  return fmt::format("{}.{}", request.key().hex(), nth);
}

}  // namespace

Result<Recordings> Recordings::open(std::string folder) {
  if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  return Recordings(std::move(folder));
}

Result<Recordings> Recordings::open_for_reading(std::string folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(Error::Kind::missing, fmt::format("there is no folder of recordings `{}`", folder),
                "make one with `interlock run --record`");
  return Recordings(std::move(folder));
}

std::string Recordings::folder_of(const std::string& task) const {
  return folder_ + "/" + digest_of(task).brief();
}

Result<void> Recordings::save(const Recording& recording, std::uint32_t nth) const {
  const std::string folder = folder_of(recording.request.task);
  if (auto made = make_folder(folder); !made) return made;
  return write_whole(folder + "/" + name_of(recording.request, nth), write_recording(recording));
}

Result<std::optional<Recording>> Recordings::find(const KnownRequest& request,
                                                  std::uint32_t nth) const {
  const std::string path = folder_of(request.task) + "/" + name_of(request, nth);
  const auto text = content_of(path);
  if (!text) return std::optional<Recording>();
  auto recording = read_recording(*text);
  if (!recording) return within(std::move(recording.error()), "`" + path + "`");
  return std::optional(std::move(*recording));
}

std::string Recordings::nearest_difference(const KnownRequest& request,
                                           std::uint32_t ordinal) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_of(request.task), error)) {
    const auto text = content_of(entry.path());
    const auto recorded = text ? read_recording(*text) : Result<Recording>(fail({}, ""));
    if (!recorded || recorded->ordinal != ordinal) continue;
    if (recorded->request.method != request.method || recorded->request.path != request.path) {
      return fmt::format(
          "request {} of the task was `{} {}` when it was recorded, and is `{} {}` now", ordinal,
          recorded->request.method, recorded->request.path, request.method, request.path);
    }
    const auto before = parse_json(recorded->request.body);
    const auto now = parse_json(request.body);
    if (!before || !now) return fmt::format("request {} of the task has another body", ordinal);
    const std::string where = first_difference(*before, *now);
    if (where.empty())
      return fmt::format("request {} of the task was recorded fewer times than it is sent now",
                         ordinal);
    return fmt::format("request {} of the task differs at {}", ordinal, where);
  }
  return fmt::format("no request {} of task `{}` was recorded", ordinal, request.task);
}

}  // namespace interlock::gateway
