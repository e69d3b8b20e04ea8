#pragma once

#include <string>
#include <vector>

namespace interlock::sys {

/// Both make durable (fsync(2), syncfs(2)) what may be gigabytes and takes the disk's time: in a
/// child process, so that a signal is heard meanwhile. 0, or an error number. EINTR: this process
/// is asked to end; the child goes on by itself, and nothing is known of it.

/// The whole file system that `folder`, an open descriptor, is on.
int sync_file_system(int folder);
/// Regular files and folders by their paths, in this order. A file that may not be read may still
/// be synced by whoever may write.
int sync_files(const std::vector<std::string>& places);

}  // namespace interlock::sys
