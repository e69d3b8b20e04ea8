#include "quota/lost_pages.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

namespace interlock::quota {
namespace {

/// One mapping and its copy. A handler is given nothing but what is there for all of the process,
/// and may not allocate.
struct Kept {
  std::atomic<Layout*> layout{nullptr};
  std::unique_ptr<Layout> copy;
};
std::array<Kept, 64> kept;
struct sigaction before;
std::atomic<bool> is_watching{false};

Kept* kept_at(const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  for (Kept& one : kept) {
    const auto start = reinterpret_cast<std::uintptr_t>(one.layout.load());
    if (start != 0 && place >= start && place - start < sizeof(Layout)) return &one;
  }
  return nullptr;
}

bool replace(const Kept& one) {
  Layout* const place = one.layout.load();
  void* const got = ::mmap(place, sizeof(Layout), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (got == MAP_FAILED) return false;
  std::memcpy(static_cast<void*>(place), one.copy.get(), sizeof(Layout));
  return true;
}

void on_lost_page(int signal, siginfo_t* about, void*) {
  const int kept_errno = errno;
  const Kept* const one = kept_at(about->si_addr);
  // Not ours: as if nobody had looked, the act is repeated and ends the process.
  if (one == nullptr || !replace(*one)) ::sigaction(signal, &before, nullptr);
  errno = kept_errno;
}

void watch() {
  if (is_watching.exchange(true)) return;
  struct sigaction act{};
  act.sa_sigaction = on_lost_page;
  act.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigaction(SIGBUS, &act, &before);
}

}  // namespace

void remember_pages(Layout& layout) {
  watch();
  Kept* free = kept_at(&layout);
  for (Kept& one : kept) {
    if (free == nullptr && one.layout.load() == nullptr) free = &one;
  }
  if (free == nullptr) return;  // More accounts than anybody has: those go unwatched.
  if (!free->copy) free->copy = std::make_unique<Layout>();
  std::memcpy(static_cast<void*>(free->copy.get()), &layout, sizeof(Layout));
  free->layout = &layout;
}

void go_on_alone(Layout& layout) {
  if (const Kept* one = kept_at(&layout)) replace(*one);
}

void forget_pages(Layout& layout) {
  if (Kept* one = kept_at(&layout)) one->layout = nullptr;
}

}  // namespace interlock::quota
