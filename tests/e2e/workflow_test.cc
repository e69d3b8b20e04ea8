#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "e2e/cli_harness.h"

// Workflows that were really run, made into plans by tools/wf2plan, and planned by the binary.
namespace interlock::e2e {

namespace {

namespace fs = std::filesystem;
const fs::path kInstances = "../shared/data/wfinstances";

class Workflow : public Cli {
 protected:
  /// How many pairs of parent and child the recording has.
  static std::size_t recorded_pairs(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    const json::value recording = parse_json(text.str()).value();
    std::size_t pairs = 0;
    for (const json::value& task :
         recording.at_pointer("/workflow/specification/tasks").as_array()) {
      pairs += task.at("parents").as_array().size();
    }
    return pairs;
  }
};

TEST_F(Workflow, every_recording_becomes_a_plan_with_as_many_edges_as_it_recorded) {
  if (!fs::exists(kInstances)) GTEST_SKIP() << "the recorded workflows are not here";
  std::size_t instances = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kInstances)) {
    const std::string file = fs::absolute(entry.path()).string();
    const Ended made = shell(std::string(WF2PLAN_BINARY) + " '" + file + "' >plan.yaml");
    ASSERT_EQ(made.exit, 0) << file << made.err;
    const json::value plan = json_of({"plan", "plan.yaml", "--effort", "0ms"});
    EXPECT_EQ(plan.at("interlocking").as_array().size(), recorded_pairs(file)) << file;
    ++instances;
  }
  EXPECT_GT(instances, 0U);
}

}  // namespace

}  // namespace interlock::e2e
