#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "engine/gateway.h"
#include "journal/store.h"
#include "report/run_record.h"
#include "runs/chosen_run.h"

// A run in the forms that other tools read.
namespace interlock::report {

/// A model call, and when it was over.
struct CallRow {
  engine::ModelCall call;
  Time ended{};
};
Result<std::vector<CallRow>> calls_of(journal::Store& store, const std::string& run);

struct TraceSource {
  const runs::ChosenRun& run;
  const RunRecord& record;
  const std::vector<CallRow>& calls;
};

/// Trace-event JSON, as Perfetto and chrome://tracing read it: process 1 has the slots with the
/// attempts, process 2 what tasks waited for, process 3 model calls; arrows are needs and
/// conflicts, counters what ran at once and tokens. Times are microseconds since the run began.
std::string chrome_trace(const TraceSource& source);

/// The same as Perfetto's own protobuf, a `Trace` of track events; times are nanoseconds since the
/// run began.
std::string perfetto_trace(const TraceSource& source);

/// OTLP/JSON (opentelemetry-proto 1.11) with the attributes of the generative AI conventions, each
/// text one request of at most `kSpansInBatch` spans: the run as `invoke_workflow`, attempts of
/// agents as `invoke_agent`, model calls as `chat`. What is not over has no end, and so no span.
/// Ids follow from run, task and attempt (engine/trace_context.h): sent twice, the spans are the
/// same. What is in `sent` is left out, and what is given is added to it.
using SentSpans = std::set<std::string>;
std::vector<std::string> otlp_batches(const TraceSource& source, SentSpans& sent);
inline constexpr std::size_t kSpansInBatch = 512;

/// One row an attempt that ended, in the order of ending, in the form of GNU parallel's --joblog.
std::string joblog(const runs::ChosenRun& run);

/// The tokens of a call or an attempt by their kinds, where they are known; for attributes.
std::vector<std::pair<std::string, Tokens>> token_attributes(const Usage& usage);

}  // namespace interlock::report
