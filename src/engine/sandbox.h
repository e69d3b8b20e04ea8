#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "footprint/interlocking.h"

// What the ports that know files and the port that knows processes tell each other, by way of the
// engine: plain values.
namespace interlock::engine {

/// What an attempt is put in between its birth and its first instruction. All paths are absolute.
struct Sandbox {
  /// A copy-on-write snapshot of a folder, at the folder's own path, for this attempt alone.
  struct Snapshot {
    std::string at;                   ///< The workspace; its own content is the lowest layer.
    std::vector<std::string> layers;  ///< Frozen changes above it, newest first.
    std::string upper, work;          ///< Where the attempt's own changes go.
  };
  /// How much of what the attempt does with files is told (`ProcessHost::observed`).
  enum class Watch : unsigned char {
    nothing,
    changes,  ///< What it is kept from.
    opens,    ///< And what it opens.
    all,      ///< And what it only looks at: stat, access, readlink.
  };

  /// A folder of the attempt's own that it has at another path as well, which is there, is a
  /// folder, and stays one.
  struct Bind {
    std::string from, at;
  };

  std::optional<Snapshot> snapshot;
  /// Mounted for this attempt alone, which takes the right to mount where there is no snapshot.
  std::vector<Bind> binds;
  std::string workspace;  ///< Where its workspace is for it: the same path, or a worktree's.
  /// Kept by the kernel (Landlock) from changing anything but what is at or below `writable`.
  bool confined = false;
  std::vector<std::string> writable;
  /// Inside the workspace kept to this footprint, reading as well as writing; for `guard`.
  std::optional<footprint::Footprint> held_to;
  bool own_network = false;                   ///< Nothing but a loopback of its own ...
  std::optional<std::uint16_t> gateway_port;  ///< ... on which the gateway listens here.
  Watch watch = Watch::nothing;
};

/// What an attempt was kept from.
struct Denied {
  std::string path;  ///< Absolute, links followed; where the act would have landed.
  bool writing = false;
  /// No dealing with a path: `path` says in words what it was, `loading a kernel module`.
  bool is_act = false;

  auto operator<=>(const Denied&) const = default;
};

/// What the kernel told of an attempt's dealings with files in its workspace; successful or not.
/// Paths are absolute, without `.` and `..`. A path that holds links is in it as the attempt put
/// it, so that they are to be followed; where they may have been others by the time it is asked,
/// what they led to is in it as well.
struct Observed {
  /// Everything that `watch` asked for was seen. False: it was not watched, or something got by
  /// (`gap` says what).
  bool complete = false;
  std::string gap;
  /// It was watched, and what got by may have been a read of anything.
  bool may_have_read_anything = false;
  /// Why nothing more could be seen of it, so that it was ended; empty: all is well. Nothing that
  /// it did is to be believed.
  std::string broken;
  std::set<std::string> opened;  ///< To be read, executed or listed.
  std::set<std::string> looked_at;
  /// Opened for writing, made, renamed, cut, deleted, or given another mode or owner.
  std::set<std::string> written{};
  /// Of these: not written blindly, but looked at before, or opened for writing without being cut.
  /// What is there now may depend on what was there, or on its absence.
  std::set<std::string> updated{};
  std::set<Denied> denied;
};

}  // namespace interlock::engine
