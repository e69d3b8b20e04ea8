#include "cli/result_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace interlock::cli {

Result<void> write_result_file(const std::string& path, std::string_view content) {
  std::error_code trouble;
  const auto status = std::filesystem::status(path, trouble);
  const bool in_place =
      std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  // Through a link what it names is replaced, not the link.
  const std::string target =
      std::filesystem::exists(status) ? std::filesystem::canonical(path, trouble).string() : path;
  const std::string written = in_place ? path : fmt::format("{}.{}.part", target, ::getpid());
  errno = 0;
  std::ofstream out(written, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  const bool is_written = static_cast<bool>(out);
  if (is_written && (in_place || ::rename(written.c_str(), target.c_str()) == 0)) return {};
  const int why = errno;
  if (!in_place) ::unlink(written.c_str());
  return fail(Error::Kind::io,
              fmt::format("cannot write `{}`: {}", printable(path), std::strerror(why)));
}

}  // namespace interlock::cli
