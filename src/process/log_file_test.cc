#include "process/log_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace interlock::process {
namespace {

using engine::AttemptName;
using namespace std::chrono_literals;

constexpr Time kStart{1'764'000'000s};

class LogFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  LogWriter writer(std::size_t bytes_max = 1 << 20) {
    return {folder_, name_, "run/read#2", bytes_max};
  }
  std::string path() const { return folder_ + "/" + log_file_name(name_); }
  std::string content() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string show(const std::vector<LogLine>& lines) {
    std::string notified;
    for (const LogLine& line : lines) {
      const char stream = line.stream == Stream::output  ? 'o'
                          : line.stream == Stream::error ? 'e'
                                                         : '!';
      notified += fmt::format("{} us {}: {}\n", (line.at - kStart).count(), stream, line.text);
    }
    return notified;
  }

  std::string folder_ = testing::TempDir() + "log_file_test/run";
  AttemptName name_{TaskId(7), 2, 0};
};

TEST_F(LogFileTest, EveryReadIsInTheFileAtOnce) {
  auto log = writer();
  log.add(kStart + 250131us, Stream::output, "reading file\n50 %");
  log.add(kStart + 1s + 20us, Stream::error, "cannot open it\n");
  log.add(kStart + 1s + 104477us, Stream::output, " 100 %\n");
  EXPECT_EQ(content(),
            "interlock-log 1 run/read#2\n"
            "1764000000.250131 o 12 reading file\n"
            "1764000000.250131 o+ 4 50 %\n"
            "1764000001.000020 e 14 cannot open it\n"
            "1764000001.104477 o 6  100 %\n");
}

TEST_F(LogFileTest, ALineIsReadWholeWithTheMomentItBegan) {
  auto log = writer();
  log.add(kStart + 1us, Stream::output, "half of");
  log.add(kStart + 2us, Stream::error, "another\n");
  log.add(kStart + 3us, Stream::output, " a line\n\nand one without an end");
  auto reader = LogReader::open(path());
  ASSERT_TRUE(reader);
  EXPECT_EQ(show(reader->next()), "2 us e: another\n1 us o: half of a line\n3 us o: \n");
  EXPECT_EQ(show(reader->unfinished()), "3 us o: and one without an end\n");
}

TEST_F(LogFileTest, ATornTailIsLeftForLater) {
  auto log = writer();
  log.add(kStart, Stream::output, "first\nsecond\n");
  const std::string whole = content();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path(), std::ios::trunc) << whole.substr(0, size);
    auto reader = LogReader::open(path());
    ASSERT_TRUE(reader);
    std::string notified = show(reader->next());
    std::ofstream(path(), std::ios::app) << whole.substr(size);
    notified += show(reader->next());
    EXPECT_EQ(notified, "0 us o: first\n0 us o: second\n") << "torn after " << size << " bytes";
  }
}

TEST_F(LogFileTest, TheEndOfALongLogIsReadFromAWholeRecordOn) {
  auto log = writer();
  for (int i = 0; i < 9; ++i) log.add(kStart, Stream::output, fmt::format("line {}\n", i));
  const std::size_t record = std::string("1764000000.000000 o 6 line 0\n").size();
  auto end = LogReader::open_end(path(), 2 * record + 5);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->is_cut());
  EXPECT_EQ(show(end->next()), "0 us o: line 7\n0 us o: line 8\n");
  log.add(kStart, Stream::error, "more\n");
  EXPECT_EQ(show(end->next()), "0 us e: more\n");

  auto whole = LogReader::open_end(path(), 1 << 20);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->is_cut());
  EXPECT_EQ(whole->next().size(), 10u);
}

TEST_F(LogFileTest, AFullLogSaysSo) {
  auto log = writer(60);
  log.add(kStart, Stream::output, "this fits\n");
  log.add(kStart + 1us, Stream::output, "this does not fit any more, as it is too long\n");
  log.add(kStart + 2us, Stream::output, "x\n");
  auto reader = LogReader::open(path());
  ASSERT_TRUE(reader);
  EXPECT_EQ(show(reader->next()),
            "0 us o: this fits\n1 us !: the log is full: what comes after this is not kept\n");
}

TEST_F(LogFileTest, LogsAreListedInPlanOrderAndOtherFilesAreNot) {
  for (const AttemptName name : {AttemptName{TaskId(10), 1, 0}, AttemptName{TaskId(2), 2, 0},
                                 AttemptName{TaskId(2), 1, 1}, AttemptName{TaskId(2), 1, 0}}) {
    LogWriter(folder_, name, "x", 1000).add(kStart, Stream::output, "hi\n");
  }
  std::ofstream(folder_ + "/notes.log") << "mine";
  std::ofstream(folder_ + "/1.2.3.log.swp") << "an editor's";
  std::string notified;
  for (const LogFile& log : logs_in(folder_))
    notified += std::filesystem::path(log.path).filename().string() + "\n";
  EXPECT_EQ(notified, "2.1.0.log\n2.1.1.log\n2.2.0.log\n10.1.0.log\n");
  EXPECT_TRUE(logs_in(folder_ + "/none").empty());
}

TEST_F(LogFileTest, ByTimeEqualMomentsComeInPlanOrder) {
  const AttemptName first{TaskId(1), 1, 0};
  const AttemptName second{TaskId(2), 1, 0};
  std::vector<OwnedLine> lines{{second, {kStart, Stream::output, "b"}},
                               {first, {kStart + 1us, Stream::output, "c"}},
                               {first, {kStart, Stream::output, "a"}},
                               {first, {kStart, Stream::error, "a too"}}};
  sort_by_time(lines);
  std::string notified;
  for (const OwnedLine& line : lines) notified += line.line.text + "\n";
  EXPECT_EQ(notified, "a\na too\nb\nc\n");
}

}  // namespace
}  // namespace interlock::process
