#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "support/made_up_files.h"

// Where the paths of other processes lead, over file systems of any shape.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace interlock;
  process::Bytes bytes({reinterpret_cast<const char*>(data), size});
  const process::MadeUpFiles files(bytes);
  for (int paths = 0; paths < 4; ++paths) {
    const bool follows = bytes.next() % 2 == 0;
    const auto landed = process::resolve(files, 7, bytes.path(), follows);
    const std::string flaw = process::flaw_of(landed);
    check(flaw.empty(), flaw);
  }
  return 0;
}
