#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// What a long answer costs the dispatcher in memory: a small multiple of its size, whichever way it
// comes. It is held against the same run with a short answer, in the process that dispatches alone.
namespace interlock::e2e {

namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kLong = 15 * kMiB;  ///< Below the 16 MiB that are kept, with its wrapping.

class Memory : public Cli {
 protected:
  Memory() : hold_(folder() + "/hold"), here_(folder() + "/here") {
    // A sanitizer keeps what was freed for a while, to catch its use; that is not the program's.
    environment()["ASAN_OPTIONS"] = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
    environment()["THE_KEY"] = "sk-very-secret";
  }

  /// The most that the dispatcher ever had resident in a run of `plan`, in bytes. Its last task
  /// waits for the test, so that it is asked after all others are over.
  std::int64_t peak_of(const std::string& plan) {
    write_plan(plan + R"(
  - {id: hold, run: "echo here >../here; read line <../hold", needs: [long], reads: [], writes: []}
)");
    Running run = start({"run", "plan.yaml", "--face", "lines", "--fresh"});
    EXPECT_EQ(here_.next(), "here");
    const std::int64_t peak = peak_of_process(run.pid());
    hold_.ring();
    const Ended ended = run.wait();
    EXPECT_EQ(ended.exit, 0) << ended.out << ended.err;
    return peak;
  }

  /// By how many times the size of the answer the peak grows from a short to a long one. What the
  /// allocator and the machine's load add differs from run to run and only ever adds; a copy is
  /// there in every run. So the least of three long runs counts.
  double growth(const std::function<std::string(std::int64_t bytes)>& plan) {
    const std::int64_t low = peak_of(plan(1000));
    std::int64_t high = std::numeric_limits<std::int64_t>::max();
    for (int run = 0; run < 3; ++run) high = std::min(high, peak_of(plan(kLong + run)));
    return static_cast<double>(high - low) / static_cast<double>(kLong);
  }

 private:
  static std::int64_t peak_of_process(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("VmHWM:")) continue;
      std::int64_t kib = 0;
      const char* const first = line.data() + line.find_first_of("0123456789");
      std::from_chars(first, line.data() + line.size(), kib);
      return kib * 1024;
    }
    ADD_FAILURE() << "the kernel does not tell the peak of process " << pid;
    return 0;
  }

  NamedPipe hold_, here_;
};

/// Prints `bytes` times `x` on one line, between two texts.
std::string line_of(const std::string& before, std::int64_t bytes, const std::string& after) {
  return fmt::format("printf %s '{}'; head -c {} /dev/zero | tr '\\0' x; echo '{}'", before, bytes,
                     after);
}

TEST_F(Memory, an_answer_printed_on_one_line_is_held_once) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              return fmt::format(R"(
tasks:
  - id: long
    run: |
      {}
    output: text
    reads: []
    writes: []
)",
                                 line_of("", bytes, ""));
            }),
            2.0);
}

TEST_F(Memory, an_answer_that_is_json_is_held_beside_its_value_for_the_schema) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              return fmt::format(R"(
tasks:
  - id: long
    run: |
      {}
    output: {{schema: {{type: object, properties: {{said: {{type: string, minLength: 1}}}}}}}}
    reads: []
    writes: []
)",
                                 line_of(R"({"said": "\n)", bytes, "\"}"));
            }),
            3.0);
}

TEST_F(Memory, an_answer_that_is_only_to_be_json_is_held_once) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              return fmt::format(R"(
tasks:
  - id: long
    run: |
      printf '['; yes '1,' | head -c {} | tr -d '\n'; echo '1]'
    output: json
    reads: []
    writes: []
)",
                                 bytes / 2 * 3);
            }),
            2.0);
}

TEST_F(Memory, what_is_no_json_is_refused_at_no_greater_cost) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              // It is right after the correction: the refusal is in the peak.
              return fmt::format(R"(
tasks:
  - id: long
    run: |
      if [ -e ../was-{0} ]; then echo 1; else touch ../was-{0}; {1}; fi
    output: json
    reads: []
    writes: []
)",
                                 bytes, line_of("it is {", bytes, ""));
            }),
            2.0);
}

TEST_F(Memory, an_agent_s_final_answer_is_held_beside_the_line_it_came_in) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              return fmt::format(R"(
agents:
  one:
    kind: command
    run: |
      {0}
      {1}
    events:
      text: {{when: {{type: said}}, at: text}}
      final: {{when: {{type: final}}, at: text}}
tasks:
  - {{id: long, agent: one, prompt: Go., isolation: direct, reads: [], writes: []}}
)",
                                 line_of(R"({"type": "said", "text": ")", bytes, "\"}"),
                                 line_of(R"({"type": "final", "text": ")", bytes, "\"}"));
            }),
            3.0);
}

TEST_F(Memory, an_answer_that_comes_through_the_gateway_is_not_held_there) {
  EXPECT_LT(growth([](std::int64_t bytes) {
              static std::vector<std::unique_ptr<endpoint::Endpoint>> endpoints;
              auto script = endpoint::read_script(
                  fmt::format(R"({{"otherwise": {{"text": "", "huge": {}}}}})", bytes));
              EXPECT_TRUE(script.has_value());
              endpoints.push_back(std::make_unique<endpoint::Endpoint>(*script));
              return fmt::format(R"(
agents:
  one: {{kind: chat, api: openai, base_url: "{}/v1", model: gpt-5-mini, key: THE_KEY}}
tasks:
  - {{id: long, agent: one, prompt: Go., reads: [], writes: []}}
)",
                                 endpoints.back()->base_url());
            }),
            3.0);
}

}  // namespace

}  // namespace interlock::e2e
