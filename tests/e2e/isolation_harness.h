#pragma once

#include <string>
#include <vector>

#include "e2e/cli_harness.h"

namespace interlock::e2e {

/// A command line whose tasks are isolated.
class Isolated : public Cli {
 protected:
  /// Skips the test, saying why, where the host cannot isolate so.
  void need(const std::string& isolation);

  /// The workspace is a repository on `main`, with the file `base` committed.
  void make_repository();
  /// Four tasks in views, a file each: `a`, `bad`, `upon`, which reads `bad`, and `d`. `verify`: of
  /// the whole plan; empty: it has none.
  void write_plan_of_four(const std::string& verify = {});

  /// No process, no mount, no open snapshot and no temporary name is left of any run.
  void expect_nothing_left();
};

}  // namespace interlock::e2e
