#include "views/enclosures.h"

#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "workspace/beneath.h"

namespace interlock::views {

std::vector<std::string> writable_devices() {
  std::vector<std::string> devices;
  for (const char* device :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/shm"}) {
    if (::access(device, F_OK) == 0) devices.emplace_back(device);
  }
  return devices;
}

std::vector<std::string> writable_for(const std::string& root,
                                      const footprint::Footprint& footprint) {
  if (footprint.unknown) return {root};
  std::set<std::string> places;
  for (const footprint::Glob& glob : footprint.writes.include) {
    std::string path = glob.literal_prefix();
    struct stat status {};
    const auto serves = [&] {
      const std::string place = workspace::join(root, path);
      return ::stat(place.c_str(), &status) == 0 && (S_ISDIR(status.st_mode) || glob.is_literal());
    };
    while (!path.empty() && !serves()) path = workspace::folder_of(path);
    places.insert(path.empty() ? root : workspace::join(root, path));
  }
  return {places.begin(), places.end()};
}

}  // namespace interlock::views
