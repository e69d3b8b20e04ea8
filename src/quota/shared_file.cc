#include "quota/shared_file.h"

#include "quota/lost_pages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

namespace interlock::quota {
namespace {

constexpr std::int64_t kSoundMax = std::int64_t{400} * 24 * 3600 * 1'000'000'000;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::unexpected<Error> os_refused(const std::string& doing, const std::string& path) {
  if (errno == ELOOP || errno == EISDIR) {
    return fail(Error::Kind::io,
                fmt::format("cannot {} the quota file `{}`: there is a {} in its place", doing,
                            path, errno == ELOOP ? "link" : "folder"),
                "move that away, or choose another state folder with `--state`");
  }
  return fail(Error::Kind::io,
              fmt::format("cannot {} the quota file `{}`: {}", doing, path, std::strerror(errno)),
              "its folder must exist and be writable: see `--state`");
}

/// Another one after each boot; zeros where the kernel does not tell.
std::array<std::uint64_t, 2> boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  std::getline(file, text);
  std::erase(text, '-');
  std::array<std::uint64_t, 2> id{};
  if (text.size() != 32) return id;
  std::from_chars(text.data(), text.data() + 16, id[0], 16);
  std::from_chars(text.data() + 16, text.data() + 32, id[1], 16);
  return id;
}

/// Nothing when it cannot be mapped; `errno` says why.
Layout* map(int file) {
  void* const place = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return place == MAP_FAILED ? nullptr : static_cast<Layout*>(place);
}

/// Whether it is an account of this boot, with times that can be.
bool is_sound(Layout& layout, std::int64_t now) {
  if (layout.magic != kMagic || layout.version != kVersion || layout.size != sizeof(Layout))
    return false;
  if (layout.boot != boot_id()) return false;
  bool sound = true;
  for (std::int64_t& arrival : layout.arrival) {
    const std::int64_t when = at(arrival).load();
    sound = sound && when >= 0 && when < now + kSoundMax;
  }
  return sound && at(layout.burst).load() > 0;
}

/// How an account's buckets begin.
enum class Begin : unsigned char {
  full,   ///< As the provider's do: nobody here has used anything.
  empty,  ///< Nothing is known of what was used: full again when the burst's time is over.
};

void fill(Layout& layout, std::int64_t burst, std::int64_t now, Begin begin) {
  layout = Layout{};
  layout.version = kVersion;
  layout.size = sizeof(Layout);
  layout.boot = boot_id();
  layout.arrival.fill(begin == Begin::full ? now : now + burst);
  layout.burst = burst;
  for (Lease& lease : layout.leases) lease.lowest.fill(kNever);
  layout.magic = kMagic;
}

/// Made aside and put into place at once, so that nobody ever sees half of it.
Result<Layout*> make(const std::string& path, std::int64_t burst, std::int64_t now, Begin begin) {
  const std::string aside = path + ".new";
  const Descriptor file(
      ::open(aside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return os_refused("make", path);
  // Allocated, not only made longer: a full disk is an error here, and not a signal later.
  if (const int refused = ::posix_fallocate(file.get(), 0, sizeof(Layout)); refused != 0) {
    errno = refused;
    return os_refused("make", path);
  }
  Layout* const layout = map(file.get());
  if (layout == nullptr) return os_refused("map", path);
  fill(*layout, burst, now, begin);
  if (::rename(aside.c_str(), path.c_str()) == 0) return layout;
  const int refused = errno;
  ::munmap(layout, sizeof(Layout));
  ::unlink(aside.c_str());
  errno = refused;
  return os_refused("put into place", path);
}

/// The file that is there; nothing when it is not an account that can be used.
Result<Layout*> recover(const std::string& path, std::int64_t now) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return nullptr;
  if (file.get() < 0) return os_refused("open", path);
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return os_refused("look at", path);
  if (!S_ISREG(about.st_mode) || about.st_size != sizeof(Layout)) return nullptr;
  Layout* const layout = map(file.get());
  if (layout == nullptr) return os_refused("map", path);
  if (is_sound(*layout, now)) return layout;
  ::munmap(layout, sizeof(Layout));
  return nullptr;
}

}  // namespace

Result<SharedFile> SharedFile::open_locked(const std::string& path, std::int64_t burst,
                                           std::int64_t now) {
  SharedFile shared;
  const std::string wake_file = wake_path(path);
  constexpr int kHow = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  shared.wake_file_ = ::open(wake_file.c_str(), kHow);
  // A bell without a file, or a file without a bell, was an account once.
  const bool is_new = shared.wake_file_ < 0 && errno == ENOENT && ::access(path.c_str(), F_OK) != 0;
  if (shared.wake_file_ < 0) shared.wake_file_ = ::open(wake_file.c_str(), kHow | O_CREAT, 0600);
  if (shared.wake_file_ < 0) return os_refused("make the bell of", path);
  shared.lock();
  auto there = recover(path, now);
  if (there && *there == nullptr)
    there = make(path, burst, now, is_new ? Begin::full : Begin::empty);
  if (!there) return std::unexpected(there.error());
  shared.layout_ = *there;
  return shared;
}

std::optional<Layout> SharedFile::look(const std::string& path, std::int64_t burst,
                                       std::int64_t now) {
  Layout layout{};
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno != ENOENT) return std::nullopt;
  const bool is_there = file.get() >= 0;
  if (is_there && ::pread(file.get(), &layout, sizeof layout, 0) == ssize_t{sizeof layout} &&
      is_sound(layout, now))
    return layout;
  const bool is_new = !is_there && ::access(wake_path(path).c_str(), F_OK) != 0;
  fill(layout, burst, now, is_new ? Begin::full : Begin::empty);
  return layout;
}

void SharedFile::remember() const { remember_pages(*layout_); }

bool SharedFile::is_whole() const {
  if (at(layout_->magic).load() == kMagic && at(layout_->version).load() == kVersion &&
      at(layout_->size).load() == sizeof(Layout))
    return true;
  go_on_alone(*layout_);
  return false;
}

SharedFile::~SharedFile() {
  if (layout_ != nullptr) forget_pages(*layout_);
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
  if (wake_file_ >= 0) ::close(wake_file_);
}

void SharedFile::ring() const {
  const char byte = 0;
  // That it is written is what is told; when it cannot be, those who wait ask again at their times.
  [[maybe_unused]] const ssize_t told = ::pwrite(wake_file_, &byte, 1, 0);
}

void SharedFile::lock() const {
  while (::flock(wake_file_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

void SharedFile::unlock() const { ::flock(wake_file_, LOCK_UN); }

}  // namespace interlock::quota
