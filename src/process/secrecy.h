#pragma once

// What other processes of the same user could otherwise learn of this one through /proc.
namespace interlock::process {

/// Moves the environment to where /proc/PID/environ does not look, and wipes it there, but for
/// names that tell nothing. getenv(3) and children of ours see it as before. Once, before any
/// thread.
void hide_environment();

/// While it exists nobody but root reads this process's memory, descriptors and environment, or
/// attaches to it (PR_SET_DUMPABLE), and it leaves no core file. Its children are not concerned.
class Undumpable {
 public:
  Undumpable();
  ~Undumpable();
  Undumpable(const Undumpable&) = delete;

 private:
  int before_;
};

/// Until a child has become its program it has our memory, and as little may be read of it as of
/// us. Where we have no right to all the same (CAP_SYS_PTRACE), the kernel would have it map no
/// users and the observer read none of its calls: for this moment we can be read.
class ReadableForAMoment {
 public:
  explicit ReadableForAMoment(bool needed);
  ~ReadableForAMoment();
  ReadableForAMoment(const ReadableForAMoment&) = delete;

 private:
  bool made_ = false;
};

}  // namespace interlock::process
