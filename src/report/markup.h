#pragma once

#include <string>
#include <string_view>

// Texts of agents, plans and paths inside of documents: they stay text whatever they hold.
namespace interlock::report {

/// One line as HTML or SVG, for an element's content or a quoted attribute: control characters and
/// bad bytes as `printable` shows them, markup characters as entities.
std::string html_text(std::string_view text);
/// Likewise; what stands in backticks becomes `<code>`. For our own sentences.
std::string html_prose(std::string_view text);
/// Likewise with its line ends kept, for `<pre>`.
std::string html_lines(std::string_view text);

/// One line as Markdown (CommonMark, GitHub's tables): nothing in it makes markup, a link, a
/// mention of somebody or an issue.
std::string markdown_text(std::string_view text);
/// A fenced block; the fence is longer than any in the text.
std::string markdown_block(std::string_view text);

}  // namespace interlock::report
