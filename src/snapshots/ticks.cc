#include "snapshots/ticks.h"

#include <time.h>

namespace interlock::snapshots {

void let_tick() {
  timespec first{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &first);
  const timespec nap{0, 200'000};
  for (timespec now = first; now.tv_sec == first.tv_sec && now.tv_nsec == first.tv_nsec;
       ::clock_gettime(CLOCK_REALTIME_COARSE, &now))
    ::nanosleep(&nap, nullptr);
}

}  // namespace interlock::snapshots
