#include <algorithm>
#include <utility>

#include "agents/event.h"

namespace interlock::agents {

namespace {

constexpr std::size_t kMostRemarks = 8;
constexpr std::size_t kMostFiles = 1000;

void remark(Story& story, std::string text) {
  if (story.remarks.size() < kMostRemarks) story.remarks.push_back(std::move(text));
}

/// What is known stays known: clients tell it in more than one line.
void keep_first(std::string& known, const std::string& told) {
  if (known.empty()) known = told;
}

void fold(Story& story, Started&& started) {
  keep_first(story.started.session, started.session);
  keep_first(story.started.model, started.model);
  keep_first(story.started.version, started.version);
}

void fold(Story& story, Text&& text) {
  if (text.partial && story.saying) {
    story.said += text.text;
    if (story.said.size() > 2 * kSaidMax) story.said = end_of(story.said);
  } else {
    story.said = std::move(text.text);
  }
  story.saying = text.partial;
}

void fold(Story& story, ToolUsed&& used) {
  story.saying = false;
  if (!used.denied) {
    ++story.tools;
    return;
  }
  ++story.denied;
  remark(story, used.tool + " was denied: " + used.detail);
}

void fold(Story& story, FileChanged&& changed) {
  if (story.files.size() >= kMostFiles) return;
  if (std::ranges::find(story.files, changed.path) == story.files.end())
    story.files.push_back(changed.path);
}

void fold(Story& story, UsageTold&& told) {
  story.told_whole = told.whole && (told.total || !story.counted || story.told_whole);
  story.told = told.total ? told.usage : story.told + told.usage;
  story.counted = true;
}

void fold(Story& story, RateLimited&&) {
  ++story.waits;
  story.saying = false;
}

void fold(Story& story, Final&& final) {
  story.final = std::move(final);
  story.failed.reset();
}

void fold(Story& story, Failed&& failed) {
  if (failed.part_only) {
    remark(story, std::move(failed.detail));
  } else {
    story.failed = std::move(failed);
  }
}

void fold(Story& story, Unknown&&) { ++story.unknown; }

}  // namespace

void Story::take(Event event) {
  const auto* limited = std::get_if<RateLimited>(&event);
  waits_for = limited ? limited->detail : std::string();
  std::visit([this](auto& each) { fold(*this, std::move(each)); }, event);
}

std::string_view end_of(std::string_view text) {
  if (text.size() <= kSaidMax) return text;
  text.remove_prefix(text.size() - kSaidMax);
  const auto is_within = [](char c) { return (c & 0xc0) == 0x80; };
  while (!text.empty() && is_within(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace interlock::agents
