#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "base/text.h"
#include "report/run_trace.h"
#include "report/trace_slices.h"

namespace interlock::report {
namespace {

/// A message of the protobuf wire format (protobuf.dev/programming-guides/encoding), member by
/// member.
class Message {
 public:
  Message& number(std::uint32_t field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
    return *this;
  }
  Message& fixed(std::uint32_t field, std::uint64_t value) {
    tag(field, 1);
    for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  Message& real(std::uint32_t field, double value) {
    return fixed(field, std::bit_cast<std::uint64_t>(value));
  }
  Message& text(std::uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void tag(std::uint32_t field, std::uint32_t wire) { varint(field << 3U | wire); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) bytes_ += static_cast<char>(value | 0x80U);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// Members of perfetto/trace: trace_packet.proto, track_descriptor.proto, track_event.proto.
constexpr std::uint32_t kPacket = 1;
constexpr std::uint32_t kTimestamp = 8, kSequence = 10, kTrackEvent = 11, kTrackDescriptor = 60;
constexpr std::uint32_t kUuid = 1, kTrackName = 2, kParent = 5, kCounter = 8, kOrdering = 11,
                        kRank = 12, kOrderingExplicit = 3;
constexpr std::uint32_t kAnnotation = 4, kType = 9, kTrack = 11, kCategories = 22, kName = 23,
                        kDouble = 44, kFlows = 47, kLastFlows = 48;
constexpr std::uint32_t kAnnotationInt = 4, kAnnotationText = 6, kAnnotationName = 10;
constexpr std::uint64_t kBegin = 1, kEnd = 2, kInstant = 3, kCount = 4;

// Tracks: three above, those of slots, of tasks that waited, of calls, and counters below them.
constexpr std::uint64_t kSlots = 1, kWaits = 2, kCalls = 3, kRunning = 4, kInput = 5, kOutput = 6;
constexpr std::uint64_t kSlotTracks = 1'000'000, kWaitTracks = 2'000'000'000,
                        kCallTracks = 3'000'000'000;

class PerfettoTrace {
 public:
  explicit PerfettoTrace(const TraceSource& source) : source_(source), slices_(slices_of(source)) {}

  std::string bytes() && {
    add_tracks();
    find_flows();
    for (std::size_t i = 0; i < slices_.size(); ++i) add_attempt(i);
    add_waits();
    add_calls();
    add_counters();
    return std::move(bytes_);
  }

 private:
  std::uint64_t at(Time time) const {
    const std::int64_t since = (time - source_.record.began).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0)) * 1000;
  }

  void add(Message packet) {
    packet.number(kSequence, 1);
    bytes_ += Message().message(kPacket, packet).bytes();
  }

  void track(std::uint64_t uuid, std::string_view name, std::uint64_t parent, std::uint64_t rank,
             bool counts = false) {
    Message it;
    it.number(kUuid, uuid).text(kTrackName, printable(name));
    if (parent != 0) it.number(kParent, parent).number(kRank, rank);
    if (parent == 0) it.number(kOrdering, kOrderingExplicit);
    if (counts) it.message(kCounter, {});
    add(Message().message(kTrackDescriptor, it));
  }

  void add_tracks() {
    track(kSlots, "slots", 0, 0);
    track(kWaits, "waits", 0, 0);
    if (!source_.calls.empty()) track(kCalls, "model calls", 0, 0);
    int slots = 0;
    for (const Slice& slice : slices_) slots = std::max(slots, slice.slot);
    for (int i = 1; i <= slots; ++i)
      track(kSlotTracks + static_cast<std::uint64_t>(i), fmt::format("slot {}", i), kSlots,
            static_cast<std::uint64_t>(i));
    track(kRunning, "attempts at once", kSlots, 1'000'000, true);
  }

  /// From the last attempt of the earlier task to the first of the later: by slice, the numbers of
  /// the flows that begin and end in it.
  void find_flows() {
    begins_.resize(slices_.size());
    ends_.resize(slices_.size());
    std::map<TaskId, std::size_t> first, last;
    for (std::size_t i = 0; i < slices_.size(); ++i) {
      first.try_emplace(slices_[i].task, i);
      last[slices_[i].task] = i;
    }
    std::uint64_t number = 0;
    for (const footprint::Edge& edge : source_.run.planned.waits().edges) {
      const auto before = last.find(edge.before), after = first.find(edge.after);
      if (before == last.end() || after == first.end()) continue;
      if (slices_[before->second].span.to > slices_[after->second].span.from) continue;
      begins_[before->second].push_back(++number);
      ends_[after->second].push_back(number);
    }
  }

  static void note(Message& event, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    event.message(kAnnotation,
                  Message().text(kAnnotationName, name).text(kAnnotationText, printable(value)));
  }
  static void note(Message& event, std::string_view name, std::int64_t value) {
    event.message(kAnnotation, Message()
                                   .text(kAnnotationName, name)
                                   .number(kAnnotationInt, static_cast<std::uint64_t>(value)));
  }

  static Message begin(std::uint64_t on, std::string_view category, std::string_view name) {
    Message event;
    event.number(kType, kBegin).number(kTrack, on);
    event.text(kCategories, category).text(kName, printable(name));
    return event;
  }
  void put(Time time, const Message& event) {
    add(Message().number(kTimestamp, at(time)).message(kTrackEvent, event));
  }
  void end(Time time, std::uint64_t on) {
    put(time, Message().number(kType, kEnd).number(kTrack, on));
  }

  void add_attempt(std::size_t i) {
    const Slice& slice = slices_[i];
    const TaskRow& row = source_.record.tasks[slice.task.index()];
    const engine::AttemptRecord& attempt =
        source_.run.state[slice.task].attempts[slice.span.attempt - 1];
    const std::uint64_t on = kSlotTracks + static_cast<std::uint64_t>(slice.slot);
    Message event =
        begin(on, "attempt",
              slice.span.attempt > 1 ? fmt::format("{} #{}", row.id, slice.span.attempt) : row.id);
    note(event, "task", row.id);
    note(event, "attempt", slice.span.attempt);
    note(event, "agent", row.agent);
    note(event, "outcome", attempt.outcome ? engine::name_of(*attempt.outcome) : "running");
    note(event, "detail", attempt.detail);
    note(event, "model", attempt.model);
    for (const auto& [kind, tokens] :
         token_attributes(attempt.ended ? attempt.usage : attempt.called))
      note(event, kind, tokens);
    if (attempt.usage.cost) note(event, "cost_micro_usd", *attempt.usage.cost);
    if (row.critical) note(event, "critical", 1);
    for (const std::uint64_t flow : begins_[i]) event.fixed(kFlows, flow);
    for (const std::uint64_t flow : ends_[i]) event.fixed(kLastFlows, flow);
    put(slice.span.from, event);
    end(std::max(slice.span.to, slice.span.from + Duration(1)), on);
  }

  /// A track for each task that waited: it waits for one thing after another.
  void add_waits() {
    for (const TaskRow& row : source_.record.tasks) {
      const std::uint64_t on = kWaitTracks + row.task.index();
      const auto& gate = source_.run.state[row.task].gate_since;
      const auto waits = [](const Span& span) { return !span.is_attempt(); };
      if (!gate && std::ranges::none_of(row.spans, waits)) continue;
      track(on, row.id, kWaits, row.task.index());
      for (const Span& span : row.spans) {
        if (span.is_attempt()) continue;
        Message event = begin(on, "wait", name_of(span.kind));
        note(event, "task", row.id);
        if (span.kind == Span::Kind::pending) note(event, "why", row.remark);
        put(span.from, event);
        end(std::max(span.to, span.from), on);
      }
      if (!gate) continue;
      Message event;
      event.number(kType, kInstant).number(kTrack, on);
      event.text(kCategories, "gate").text(kName, printable("gate of " + row.id));
      put(*gate, event);
    }
  }

  /// In as few tracks as hold them without overlap.
  void add_calls() {
    std::vector<const CallRow*> calls;
    for (const CallRow& row : source_.calls) calls.push_back(&row);
    const auto began = [](const CallRow* row) { return row->ended - row->call.elapsed; };
    std::ranges::stable_sort(calls, {}, began);
    std::vector<Time> busy;  // By track: until when.
    for (const CallRow* row : calls) {
      const auto free = std::ranges::find_if(busy, [&](Time until) { return until <= began(row); });
      const auto lane = static_cast<std::uint64_t>(free - busy.begin());
      if (free == busy.end()) {
        busy.push_back(row->ended);
        track(kCallTracks + lane, fmt::format("calls {}", lane + 1), kCalls, lane);
      } else {
        *free = row->ended;
      }
      const engine::ModelCall& call = row->call;
      Message event = begin(kCallTracks + lane, "model", "chat " + call.model);
      note(event, "task", source_.run.plan()[call.name.task].id);
      note(event, "attempt", call.name.attempt);
      note(event, "end", engine::name_of(call.end));
      note(event, "status", call.status);
      for (const auto& [kind, tokens] : token_attributes(call.usage)) note(event, kind, tokens);
      put(began(row), event);
      end(row->ended, kCallTracks + lane);
    }
  }

  void count(std::uint64_t on, Time time, double value) {
    put(time, Message().number(kType, kCount).number(kTrack, on).real(kDouble, value));
  }

  void add_counters() {
    std::map<Time, std::int64_t> steps;
    for (const Slice& slice : slices_) {
      ++steps[slice.span.from];
      --steps[std::max(slice.span.to, slice.span.from)];
    }
    std::int64_t running = 0;
    for (const auto& [time, step] : steps)
      count(kRunning, time, static_cast<double>(running += step));
    if (source_.calls.empty()) return;
    track(kInput, "input tokens", kCalls, 1'000'000, true);
    track(kOutput, "output tokens", kCalls, 1'000'001, true);
    Tokens input = 0, output = 0;
    for (const CallRow& row : source_.calls) {
      input += row.call.usage.input.value_or(0);
      output += row.call.usage.output.value_or(0);
      count(kInput, row.ended, static_cast<double>(input));
      count(kOutput, row.ended, static_cast<double>(output));
    }
  }

  const TraceSource& source_;
  std::vector<Slice> slices_;
  std::vector<std::vector<std::uint64_t>> begins_, ends_;
  std::string bytes_;
};

}  // namespace

std::string perfetto_trace(const TraceSource& source) { return PerfettoTrace(source).bytes(); }

}  // namespace interlock::report
