#include "cli/cli.h"

int main(int argc, char** argv) { return interlock::cli::run_interlock(argc, argv); }
