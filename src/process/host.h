#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace interlock::process {

/// One thing that Interlock uses where the host has it.
struct HostAbility {
  std::string name;
  bool there = false;
  std::string why;  ///< What is there (`ABI 7`), or why it is not.
};

/// All of them, each tried out once, in a process and a folder that are gone afterwards; below
/// `folder`, which the snapshots' upper layers are going to be in too (empty: where temporary files
/// go). Only while no LocalProcesses exists. Takes some 20 ms.
std::vector<HostAbility> probe_host(const std::string& folder = {});

/// Whether attempts can be isolated so on this host, tried out once in the life of this process.
/// The error says why not, and what to do. Only `guard` and `view` ask for anything of the kernel.
Result<void> can_sandbox(plan::Isolation isolation);

}  // namespace interlock::process
