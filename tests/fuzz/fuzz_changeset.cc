// A changeset or a read set as a journal could hold it: either one that survives being written and
// read again, or an error.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "changes/stale.h"

using namespace interlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto reads = changes::read_set_from_text(text)) {
    const std::string written = to_text(*reads);
    const auto again = changes::read_set_from_text(written);
    check(again.has_value() && *again == *reads, "writing and reading change nothing");
  }
  const auto changeset = changes::changeset_from_text(text);
  if (!changeset) {
    check(!changeset.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  const std::string written = to_text(*changeset);
  const auto again = changes::changeset_from_text(written);
  check(again.has_value() && *again == *changeset, "writing and reading change nothing");
  check(to_text(*again) == written, "equal changesets have equal texts");
  for (const changes::Change& change : changeset->changes)
    check(changeset->find(change.path) == &change, "each change is found");
  changes::renames_in(*changeset);
  const changes::Changeset* since[] = {&*changeset};
  check(changes::stale({changes::ReadsFrom::observed, {}, {}, {}}, {}, since).empty(),
        "who read and wrote nothing has nothing stale");
  check(changes::stale({}, {}, since).size() == changeset->changes.size(),
        "who may have read everything has every change stale");
  return 0;
}
