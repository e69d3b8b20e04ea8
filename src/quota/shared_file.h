#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "quota/layout.h"

namespace interlock::quota {

/// An account's file, mapped, and the descriptor of its bell: a companion whose modification tells
/// those who wait, and whose lock keeps openers apart. Nothing but opening and closing takes that
/// lock.
class SharedFile {
 public:
  /// Makes the file where there is none that can be used: of another boot, version or kind, or
  /// torn. Buckets are empty then, but full in an account that nobody here ever had. The lock is
  /// held until `unlock`.
  static Result<SharedFile> open_locked(const std::string& path, std::int64_t burst,
                                        std::int64_t now);
  SharedFile(SharedFile&& other) noexcept
      : layout_(std::exchange(other.layout_, nullptr)),
        wake_file_(std::exchange(other.wake_file_, -1)) {}
  SharedFile& operator=(SharedFile&& other) noexcept {
    std::swap(layout_, other.layout_);
    std::swap(wake_file_, other.wake_file_);
    return *this;
  }
  ~SharedFile();

  /// A copy of what `open_locked` would map, without making or changing anything; nothing where the
  /// file may not be read.
  static std::optional<Layout> look(const std::string& path, std::int64_t burst, std::int64_t now);

  Layout& layout() const { return *layout_; }
  /// What the file holds now is what this process goes on with alone, should somebody cut or
  /// overwrite the file: its limits still hold then, and others' use is not seen any more.
  void remember() const;
  /// Whether the head of the file is still that of an account; else it is gone on with as
  /// remembered. Where a page is gone the kernel tells, and the same is done.
  bool is_whole() const;
  /// Tells everybody who watches the bell.
  void ring() const;
  void lock() const;
  void unlock() const;

  static std::string wake_path(const std::string& path) { return path + ".bell"; }

 private:
  SharedFile() = default;

  Layout* layout_ = nullptr;
  int wake_file_ = -1;
};

}  // namespace interlock::quota
