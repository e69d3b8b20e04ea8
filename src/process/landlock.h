#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/sandbox.h"
#include "process/child_program.h"

// Landlock (landlock(7)): the kernel keeps a process and all it starts to what a set of rules
// allows, also for root. The constants are our own: headers lag behind kernels.
namespace interlock::process {

/// Which edition of Landlock the kernel speaks, from 1; 0: none.
int landlock_abi();

/// What a set of rules is about; what of it no rule allows is denied. As the kernel takes it: an
/// older one takes the first `size` bytes.
struct RuledActs {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;

  static unsigned long size(int abi) { return abi < 4 ? 8 : abi < 6 ? 16 : 24; }
};
/// All acts with files that this edition knows; and from 6 on, no signals and no abstract sockets
/// to processes outside.
RuledActs ruled_acts(int abi);

struct LandlockRule {
  std::string path;
  /// Relative to `path`; the rule is made on what is opened there without following any link, at
  /// the end or on the way: earlier attempts may have put links where a footprint names folders.
  std::string below;
  Allowance allowance;
  bool if_terminals = false;  ///< Only where the attempt has terminals of its own.
};

/// Everything but devices may be read and executed; what is at or below `writable` may be changed,
/// and devices that hold nothing and terminals of its own used. What comes into being in `/` later
/// cannot be read.
///
/// Held to a footprint it differs inside the workspace, of which only the nearest folders and files
/// of the patterns are allowed: rules name folders, with all below them, and not patterns, so they
/// allow more than the patterns do. A link is no folder: what it leads to is allowed only where
/// that is declared itself. For the same reason every folder may be listed, and what comes into
/// being beside the workspace later cannot be read.
std::vector<LandlockRule> landlock_rules(const engine::Sandbox& sandbox, int abi);

}  // namespace interlock::process
