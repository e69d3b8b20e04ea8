#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "engine/ports.h"
#include "process/fd.h"

// The log of one attempt: everything it wrote on either stream, with the moment it was read. Its
// file `<task>.<attempt>.<phase>.log` in the run's log folder is made with the first byte: a silent
// process leaves none.
//
//     interlock-log 1 <label>\n
//     <seconds>.<microseconds> <stream> <length> <text>\n      ... any number of these
//
// The moment counts from the Unix epoch. The stream is `o` or `e` for standard output and error,
// with a `+` behind it when the line goes on in that stream's next record; `!` is a remark of
// Interlock's own. The length counts the bytes of the text, which are as the process wrote them,
// without the newline that ends a line. Example:
//
//     1764000000.250131 o 12 reading file
//     1764000000.250131 o+ 4 50 %
//     1764000001.000020 e 14 cannot open it
//     1764000001.104477 o 6  100 %
//
// Records are only ever appended, each batch with one write, so a crash can only tear the last
// record: one whose length and newline are not both there ends the file for a reader. Good: less,
// grep and tail -f work on it, and nothing is held back in memory. Bad: a process that writes byte
// by byte costs 25 bytes for each.
namespace interlock::process {

enum class Stream : unsigned char { output, error, remark };

std::string log_file_name(engine::AttemptName name);
std::optional<engine::AttemptName> parse_log_file_name(std::string_view file);

/// Keeps one attempt's log. Trouble with the disk ends the log, not the attempt.
class LogWriter {
 public:
  LogWriter(std::string folder, engine::AttemptName name, std::string label, std::size_t bytes_max);

  /// `chunk` is what one read gave; it may begin and end within a line.
  void add(Time at, Stream stream, std::string_view chunk);

 private:
  void write(std::string_view records);
  bool open();

  std::string folder_;
  engine::AttemptName name_;
  std::string label_;
  std::size_t bytes_left_;
  bool over_ = false;
  Fd file_;
};

/// A line of the log. `at` is when its first part came.
struct LogLine {
  Time at{};
  Stream stream = Stream::output;
  std::string text;

  bool operator==(const LogLine&) const = default;
};

/// Reads a log that may still be growing.
class LogReader {
 public:
  static Result<LogReader> open(const std::string& path);
  /// Only about its last `bytes`, from a whole record on.
  static Result<LogReader> open_end(const std::string& path, std::size_t bytes);
  /// Whether something of it is left out; then its first line of each stream may lack its
  /// beginning.
  bool is_cut() const { return is_cut_; }

  /// The lines completed since the last call.
  std::vector<LogLine> next();
  /// The lines that were begun and not ended: for when nothing more will come.
  std::vector<LogLine> unfinished();

 private:
  explicit LogReader(Fd file) : file_(std::move(file)) {}
  void take_records(std::vector<LogLine>& lines);

  Fd file_;
  bool is_cut_ = false;
  bool seeks_record_ = false;        ///< It stands within one.
  std::string unread_;               ///< The torn record at the end, if any.
  std::optional<LogLine> begun_[2];  ///< By stream.
};

/// One attempt's log in a run's folder.
struct LogFile {
  engine::AttemptName name;
  std::string path;
};
/// All logs of a run in plan order, attempts of a task in theirs; none when there is no such
/// folder.
std::vector<LogFile> logs_in(const std::string& folder);

struct OwnedLine {
  engine::AttemptName name;
  LogLine line;
};
/// Lines of several attempts by time; equal times in plan order, and each attempt's own lines in
/// theirs.
void sort_by_time(std::vector<OwnedLine>& lines);

}  // namespace interlock::process
