/* The least one can do: processes started by posix_spawn, so many at a time. `bare COUNT AT_A_TIME`. */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int count, char **arguments) {
  int all = atoi(arguments[1]), most = atoi(arguments[2]), started = 0, running = 0;
  char *const program[] = {"/bin/true", 0};
  (void)count;
  while (started < all || running > 0) {
    pid_t pid;
    if (started < all && running < most) {
      if (posix_spawn(&pid, program[0], 0, 0, program, environ) != 0) return 1;
      ++started, ++running;
    } else if (waitpid(-1, 0, 0) > 0) {
      --running;
    }
  }
  return 0;
}
