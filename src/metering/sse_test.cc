#include "metering/sse.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace interlock::metering {
namespace {

/// All events of a stream given in pieces, as `name|data` lines.
std::string events_of(const std::vector<std::string_view>& pieces) {
  std::string shown, scratch;
  EventCutter cutter(1 << 20);
  const auto give = [&](const EventCutter::Piece& piece) {
    const ServerEvent event = read_event(piece.bytes, scratch);
    if (event.has_data) shown.append(event.name).append("|").append(event.data).append("\n");
  };
  for (const std::string_view piece : pieces) cutter.take(piece, give);
  cutter.end(give);
  return shown;
}

TEST(EventCutter, reads_names_data_and_comments) {
  EXPECT_EQ(events_of({": hello\n\nevent: a\ndata: 1\n\ndata:2\nid: 7\n\nevent: empty\n\n"}),
            "a|1\n|2\n");
}

TEST(EventCutter, joins_lines_of_data) {
  EXPECT_EQ(events_of({"data: one\ndata\ndata:  two\n\n"}), "|one\n\n two\n");
}

TEST(EventCutter, passes_over_a_byte_order_mark) {
  EXPECT_EQ(events_of({"\xef\xbb\xbf"
                       "data: 1\n\n"}),
            "|1\n");
}

TEST(EventCutter, knows_every_line_end_wherever_it_is_split) {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    const std::string stream =
        "event: a" + end + "data: 1" + end + "data: 2" + end + end + "data: 3" + end + end;
    for (std::size_t i = 0; i <= stream.size(); ++i) {
      const std::string_view whole = stream;
      EXPECT_EQ(events_of({whole.substr(0, i), whole.substr(i)}), "a|1\n2\n|3\n") << i;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i) bytes.push_back({stream.data() + i, 1});
    EXPECT_EQ(events_of(bytes), "a|1\n2\n|3\n");
  }
}

TEST(EventCutter, gives_back_every_byte_in_order) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::string stream, given;
    const std::string_view letters = "\n\r\nda:x";
    while (stream.size() < 200) stream += letters[random() % letters.size()];
    EventCutter cutter(16);
    const auto give = [&](const EventCutter::Piece& piece) { given += piece.bytes; };
    for (std::string_view rest = stream; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 40, rest.size());
      cutter.take(rest.substr(0, size), give);
      rest.remove_prefix(size);
    }
    cutter.end(give);
    EXPECT_EQ(given, stream);
  }
}

TEST(EventCutter, keeps_no_event_that_is_too_long) {
  EventCutter cutter(100);
  std::string scratch;
  std::vector<std::string> whole;
  std::size_t parts = 0;
  const auto give = [&](const EventCutter::Piece& piece) {
    if (!piece.whole) ++parts;
    if (piece.whole) whole.emplace_back(read_event(piece.bytes, scratch).data);
  };
  cutter.take("data: 1\n\ndata: ", give);
  for (int i = 0; i < 50; ++i) cutter.take("0123456789", give);
  cutter.take("\n\ndata: 2\n\n", give);
  EXPECT_EQ(whole, (std::vector<std::string>{"1", "2"}));
  EXPECT_GT(parts, 3U);
}

}  // namespace
}  // namespace interlock::metering
