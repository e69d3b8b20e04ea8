#pragma once

#include "quota/layout.h"

// A mapped file that somebody cuts ends whoever touches what is gone (SIGBUS). Instead the mapping
// gets memory of its own, as it was remembered.
namespace interlock::quota {

/// Keeps a copy of a mapped account, and watches over it from here on.
void remember_pages(Layout& layout);
/// Puts what was remembered into memory of this process alone, at the same place.
void go_on_alone(Layout& layout);
void forget_pages(Layout& layout);

}  // namespace interlock::quota
