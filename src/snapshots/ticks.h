#pragma once

namespace interlock::snapshots {

/// File times come in ticks of the kernel, some milliseconds each. The next one begins: all that
/// was changed before has an earlier time than what is made from now on.
void let_tick();

}  // namespace interlock::snapshots
