#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/markup.h"
#include "report/run_html.h"

// The board and what people said to agents, in documents. Notes are agents' text: nothing in them
// becomes markup.
namespace interlock::report {
namespace {

/// Of texts, in a document.
constexpr std::size_t kNoteShown = std::size_t{4} << 10U;
constexpr std::size_t kNotesShown = std::size_t{128} << 10U;
constexpr std::size_t kNotesPerTopic = 200;
constexpr std::size_t kNotesInMarkdown = 20, kNoteInMarkdown = 300;

/// `round 2, attempt 1, 2026-11-27 18:04:05, its attempt still works`
std::string about(const NoteRow& note) {
  std::string text;
  if (note.round > 0) text += fmt::format("round {}, ", note.round);
  if (note.attempt > 1) text += fmt::format("attempt {}, ", note.attempt);
  if (note.is_person()) text += "a person, ";
  text += show_time(note.at).substr(0, 19);
  if (note.standing == "open") text += ", its attempt still works";
  if (note.standing == "dropped") text += ", dropped: its attempt came to nothing";
  return text;
}

/// Whole characters of its beginning.
std::string_view beginning_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  text = text.substr(0, most);
  const auto bad = first_bad_utf8(text);
  return bad ? text.substr(0, *bad) : text;
}

std::string head_of(const TopicRow& topic) {
  return fmt::format("{}, {} note{}", topic.kind, topic.notes.size(),
                     topic.notes.size() == 1 ? "" : "s");
}

/// The latest, where there are many.
std::size_t first_shown(const TopicRow& topic, std::size_t most) {
  return topic.notes.size() - std::min(topic.notes.size(), most);
}

std::string left_out(std::size_t count) {
  return count == 0 ? "" : fmt::format("{} earlier one{}", count, count == 1 ? "" : "s");
}

}  // namespace

std::string board_html(const RunRecord& run) {
  if (run.topics.empty()) return {};
  std::string text = "<section>\n<h2>The board</h2>\n";
  std::size_t left = kNotesShown;
  for (const TopicRow& topic : run.topics) {
    text += fmt::format("<h3><span class=id>{}</span></h3>\n<p class=meta>{}</p>\n",
                        html_text(topic.name), html_text(head_of(topic)));
    std::size_t skipped = first_shown(topic, kNotesPerTopic);
    const auto read = fmt::format("interlock board read {} --run {}", shell_quote(topic.name),
                                  shell_quote(run.id));
    std::string notes;
    for (std::size_t i = skipped; i < topic.notes.size(); ++i) {
      const NoteRow& note = topic.notes[i];
      const std::string_view shown = beginning_of(note.text, std::min(kNoteShown, left));
      left -= shown.size();
      notes += fmt::format("<p class=meta>{}. <span class=id>{}</span>, {}</p>\n", note.number,
                           html_text(note.by), html_text(about(note)));
      if (!shown.empty()) notes += fmt::format("<pre>{}</pre>\n", html_lines(shown));
      if (shown.size() < note.text.size())
        notes += fmt::format("<p class=meta>The rest: <code>{} --after {}</code></p>\n",
                             html_text(read), note.number - 1);
    }
    if (skipped > 0)
      text += fmt::format("<p class=meta>And {}: <code>{}</code></p>\n", left_out(skipped),
                          html_text(read));
    text += notes;
  }
  return text + "</section>\n";
}

std::string messages_html(const RunRecord& run) {
  if (run.messages.empty()) return {};
  std::string text =
      "<section>\n<h2>What people said to agents</h2>\n<div class=scroll><table><thead><tr><th>"
      "task<th>who, when<th>what<th>seen</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(run.messages.size(), kNotesPerTopic); ++i) {
    const MessageRow& one = run.messages[i];
    const std::string_view shown = beginning_of(one.text, kNoteShown);
    text += fmt::format("<tr><td class=id>{}<td>{}, {}<td>{}{}<td>{}</tr>\n", html_text(one.task),
                        html_text(one.by), show_time(one.at).substr(0, 19), html_text(shown),
                        shown.size() < one.text.size() ? "…" : "", html_text(delivery_text(one)));
  }
  text += "</tbody></table></div>\n";
  if (run.messages.size() > kNotesPerTopic)
    text += fmt::format("<p class=meta>And {} more.</p>\n", run.messages.size() - kNotesPerTopic);
  return text + "</section>\n";
}

std::string board_markdown(const RunRecord& run) {
  std::string text;
  for (const TopicRow& topic : run.topics) {
    text +=
        fmt::format("**{}** ({})\n\n", markdown_text(topic.name), markdown_text(head_of(topic)));
    const std::size_t skipped = first_shown(topic, kNotesInMarkdown);
    if (skipped > 0) text += fmt::format("- {}\n", left_out(skipped));
    for (std::size_t i = skipped; i < topic.notes.size(); ++i) {
      const NoteRow& note = topic.notes[i];
      text += fmt::format("- {} ({}): {}\n", markdown_text(note.by), about(note),
                          markdown_text(elide_end(printable(note.text), kNoteInMarkdown)));
    }
    text += "\n";
  }
  if (!text.empty()) text = "### The board\n\n" + text;
  if (run.messages.empty()) return text;
  text += "### What people said to agents\n\n";
  for (std::size_t i = 0; i < std::min(run.messages.size(), kNotesInMarkdown); ++i) {
    const MessageRow& one = run.messages[i];
    text += fmt::format("- {} to {} ({}): {}; {}\n", markdown_text(one.by), markdown_text(one.task),
                        show_time(one.at).substr(0, 19),
                        markdown_text(elide_end(printable(one.text), kNoteInMarkdown)),
                        delivery_text(one));
  }
  if (run.messages.size() > kNotesInMarkdown)
    text += fmt::format("- and {} more\n", run.messages.size() - kNotesInMarkdown);
  return text + "\n";
}

}  // namespace interlock::report
