#pragma once

namespace interlock::cli {

/// The whole command line. Returns the exit code; never throws.
int run_interlock(int argc, char** argv);

}  // namespace interlock::cli
