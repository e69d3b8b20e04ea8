// A job, its result or a list of files, as another machine could hand it in: one that survives
// being written and read again, and leads nowhere, or an error.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "engine/job.h"

using namespace interlock;

namespace {

void check_entries(const std::vector<engine::JobEntry>& entries) {
  for (const engine::JobEntry& entry : entries) {
    check(!entry.path.starts_with('/') && !entry.path.starts_with("../"), "none leads out");
    check(entry.state.kind != changes::Kind::other, "none is a device");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = engine::read_job_spec(text)) {
    const std::string written = engine::text_of(*spec);
    const auto again = engine::read_job_spec(written);
    check(again && engine::text_of(*again) == written, "writing and reading change nothing");
  }
  if (const auto result = engine::read_job_result(text)) {
    check_entries(result->left);
    const std::string written = engine::text_of(*result);
    const auto again = engine::read_job_result(written);
    check(again && engine::text_of(*again) == written, "writing and reading change nothing");
  }
  if (const auto entries = engine::read_job_entries(text)) {
    check_entries(*entries);
    const auto again = engine::read_job_entries(engine::text_of(*entries));
    check(again && *again == *entries, "writing and reading change nothing");
  }
  return 0;
}
