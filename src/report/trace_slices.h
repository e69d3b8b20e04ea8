#pragma once

#include <vector>

#include "report/run_trace.h"

namespace interlock::report {

/// An attempt as traces draw it.
struct Slice {
  TaskId task;
  Span span;
  int slot = 0;  ///< From 1.
};

/// Attempts by slot: the lowest that is free. Those that share another's process are in its slice.
/// In the order of their beginning.
std::vector<Slice> slices_of(const TraceSource& source);

}  // namespace interlock::report
