#include <algorithm>

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

void fold(Story& story, const Started& started) {
  keep_first(story.started.session, started.session);
  keep_first(story.started.model, started.model);
  keep_first(story.started.version, started.version);
}

void fold(Story& story, const Text& text) {
  if (text.partial && story.saying) {
    story.said += text.text;
  } else {
    story.said = text.text;
  }
  story.saying = text.partial;
}

void fold(Story& story, const ToolUsed& used) {
  story.saying = false;
  if (!used.denied) {
    ++story.tools;
    return;
  }
  ++story.denied;
  remark(story, used.tool + " was denied: " + used.detail);
}

void fold(Story& story, const FileChanged& changed) {
  if (story.files.size() >= kMostFiles) return;
  if (std::ranges::find(story.files, changed.path) == story.files.end())
    story.files.push_back(changed.path);
}

void fold(Story& story, const UsageTold& told) {
  story.told_whole = told.whole && (told.total || !story.counted || story.told_whole);
  story.told = told.total ? told.usage : story.told + told.usage;
  story.counted = true;
}

void fold(Story& story, const RateLimited&) {
  ++story.waits;
  story.saying = false;
}

void fold(Story& story, const Final& final) {
  story.final = final;
  story.failed.reset();
}

void fold(Story& story, const Failed& failed) {
  if (failed.part_only) {
    remark(story, failed.detail);
  } else {
    story.failed = failed;
  }
}

void fold(Story& story, const Unknown&) { ++story.unknown; }

}  // namespace

void Story::take(const Event& event) {
  std::visit([this](const auto& each) { fold(*this, each); }, event);
  const auto* limited = std::get_if<RateLimited>(&event);
  waits_for = limited ? limited->detail : std::string();
}

}  // namespace interlock::agents
