#pragma once

namespace interlock::schedule {

/// For products of an amount and a time, which 64 bits do not always hold.
__extension__ using Wide = __int128;

}  // namespace interlock::schedule
