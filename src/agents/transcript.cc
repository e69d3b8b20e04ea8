#include <algorithm>
#include <utility>

#include "agents/event.h"

namespace interlock::agents {

namespace {

constexpr std::size_t kMostRemarks = 8;
constexpr std::size_t kMostFiles = 1000;

void remark(Transcript& transcript, std::string text) {
  if (transcript.remarks.size() < kMostRemarks) transcript.remarks.push_back(std::move(text));
}

/// What is known stays known: clients tell it in more than one line.
void keep_first(std::string& known, const std::string& reported) {
  if (known.empty()) known = reported;
}

void accumulate(Transcript& transcript, Started&& started) {
  keep_first(transcript.started.session, started.session);
  keep_first(transcript.started.model, started.model);
  keep_first(transcript.started.version, started.version);
}

void accumulate(Transcript& transcript, Text&& text) {
  if (text.partial && transcript.saying) {
    transcript.said += text.text;
    if (transcript.said.size() > 2 * kSaidMax) transcript.said = end_of(transcript.said);
  } else {
    transcript.said = std::move(text.text);
  }
  transcript.saying = text.partial;
}

void accumulate(Transcript& transcript, ToolUsed&& used) {
  transcript.saying = false;
  if (!used.denied) {
    ++transcript.tools;
    return;
  }
  ++transcript.denied;
  remark(transcript, used.tool + " was denied: " + used.detail);
}

void accumulate(Transcript& transcript, FileChanged&& changed) {
  if (transcript.files.size() >= kMostFiles) return;
  if (std::ranges::find(transcript.files, changed.path) == transcript.files.end())
    transcript.files.push_back(changed.path);
}

void accumulate(Transcript& transcript, UsageReported&& reported) {
  transcript.parsed_whole =
      reported.whole && (reported.total || !transcript.counted || transcript.parsed_whole);
  transcript.reported = reported.total ? reported.usage : transcript.reported + reported.usage;
  transcript.counted = true;
}

void accumulate(Transcript& transcript, RateLimited&&) {
  ++transcript.waits;
  transcript.saying = false;
}

void accumulate(Transcript& transcript, Final&& final) {
  transcript.final = std::move(final);
  transcript.failed.reset();
}

void accumulate(Transcript& transcript, Failed&& failed) {
  if (failed.part_only) {
    remark(transcript, std::move(failed.detail));
  } else {
    transcript.failed = std::move(failed);
  }
}

void accumulate(Transcript& transcript, Unknown&&) { ++transcript.unknown; }

}  // namespace

void Transcript::take(Event event) {
  const auto* limited = std::get_if<RateLimited>(&event);
  waits_for = limited ? limited->detail : std::string();
  std::visit([this](auto& each) { accumulate(*this, std::move(each)); }, event);
}

std::string_view end_of(std::string_view text) {
  if (text.size() <= kSaidMax) return text;
  text.remove_prefix(text.size() - kSaidMax);
  const auto is_within = [](char c) { return (c & 0xc0) == 0x80; };
  while (!text.empty() && is_within(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace interlock::agents
