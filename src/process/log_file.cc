#include "process/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iterator>

namespace interlock::process {
namespace {

constexpr std::string_view kMagic = "interlock-log 1 ";

struct Record {
  Time at{};
  Stream stream = Stream::output;
  bool goes_on = false;
  std::string_view text;
};

void append_record(std::string& to, const Record& record) {
  const std::int64_t at = record.at.time_since_epoch().count();
  const char stream = record.stream == Stream::output  ? 'o'
                      : record.stream == Stream::error ? 'e'
                                                       : '!';
  fmt::format_to(std::back_inserter(to), "{}.{:06} {}{} {} ", at / 1'000'000, at % 1'000'000,
                 stream, record.goes_on ? "+" : "", record.text.size());
  to.append(record.text);
  to.push_back('\n');
}

template <typename Number>
bool take_number(std::string_view& text, Number& number, char end) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stop == text.data() + text.size() || *stop != end) return false;
  text.remove_prefix(stop - text.data() + 1);
  return true;
}

bool take_stream(std::string_view& text, Record& record) {
  if (text.size() < 2) return false;
  switch (text.front()) {
    case 'o': record.stream = Stream::output; break;
    case 'e': record.stream = Stream::error; break;
    case '!': record.stream = Stream::remark; break;
    default: return false;
  }
  text.remove_prefix(1);
  record.goes_on = text.front() == '+';
  if (record.goes_on) text.remove_prefix(1);
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes a whole record off the front; nothing when it is torn (or damaged: then its text is not to
/// be trusted).
std::optional<Record> take_record(std::string_view& unread) {
  std::string_view text = unread;
  Record record;
  std::int64_t seconds = 0;
  std::int64_t micros = 0;
  std::size_t length = 0;
  if (!take_number(text, seconds, '.') || !take_number(text, micros, ' ') ||
      !take_stream(text, record) || !take_number(text, length, ' ') || text.size() <= length ||
      text[length] != '\n') {
    return std::nullopt;
  }
  record.at = Time(Duration(seconds * 1'000'000 + micros));
  record.text = text.substr(0, length);
  unread = text.substr(length + 1);
  return record;
}

}  // namespace

std::string log_file_name(engine::AttemptName name) {
  return fmt::format("{}.{}.{}.log", name.task.index(), name.attempt, name.phase);
}

std::optional<engine::AttemptName> parse_log_file_name(std::string_view file) {
  engine::AttemptName name;
  std::uint32_t task = 0;
  if (!take_number(file, task, '.') || !take_number(file, name.attempt, '.') ||
      !take_number(file, name.phase, '.') || file != "log") {
    return std::nullopt;
  }
  name.task = TaskId(task);
  return name;
}

LogWriter::LogWriter(std::string folder, engine::AttemptName name, std::string label,
                     std::size_t bytes_max)
    : folder_(std::move(folder)), name_(name), label_(std::move(label)), bytes_left_(bytes_max) {}

void LogWriter::add(Time at, Stream stream, std::string_view chunk) {
  if (over_ || chunk.empty() || (!file_ && !open())) return;
  std::string records;
  while (!chunk.empty()) {
    const auto newline = chunk.find('\n');
    const bool goes_on = newline == std::string_view::npos;
    const std::string_view text = chunk.substr(0, newline);
    append_record(records, {at, stream, goes_on, text});
    chunk.remove_prefix(text.size() + (goes_on ? 0 : 1));
  }
  if (records.size() > bytes_left_) {
    records.clear();
    append_record(
        records, {at, Stream::remark, false, "the log is full: what comes after this is not kept"});
    over_ = true;
  }
  bytes_left_ -= std::min(bytes_left_, records.size());
  write(records);
}

bool LogWriter::open() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string path = folder_ + "/" + log_file_name(name_);
  file_ = sys::Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  over_ = !file_;
  struct stat status{};
  // A check that runs again, and a second merge driver, go on in the file of the first.
  const bool is_new = file_ && ::fstat(file_.get(), &status) == 0 && status.st_size == 0;
  if (is_new) write(fmt::format("{}{}\n", kMagic, label_));
  return !over_;
}

void LogWriter::write(std::string_view records) {
  while (!records.empty()) {
    const ssize_t written = ::write(file_.get(), records.data(), records.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      over_ = true;  // A full disk, most likely. The torn record is the last one, as after a crash.
      return;
    }
    records.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<LogReader> LogReader::open(const std::string& path) {
  sys::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return fail(errno == ENOENT ? Error::Kind::missing : Error::Kind::io,
                fmt::format("cannot read the log `{}`: {}", path, std::strerror(errno)));
  }
  return LogReader(std::move(file));
}

Result<LogReader> LogReader::open_end(const std::string& path, std::size_t bytes) {
  auto reader = open(path);
  if (!reader) return reader;
  const off_t size = ::lseek(reader->file_.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(bytes));
  ::lseek(reader->file_.get(), from, SEEK_SET);
  reader->is_cut_ = reader->seeks_record_ = from > 0;
  return reader;
}

std::vector<LogLine> LogReader::next() {
  std::vector<LogLine> lines;
  std::vector<char> piece(64 * 1024);
  for (;;) {
    const ssize_t got = ::read(file_.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return lines;
    unread_.append(piece.data(), static_cast<std::size_t>(got));
    take_records(lines);
  }
}

void LogReader::take_records(std::vector<LogLine>& lines) {
  std::string_view unread = unread_;
  if (seeks_record_) {
    // No text of a record has a newline in it.
    const auto newline = unread.find('\n');
    if (newline == std::string_view::npos) return;
    unread.remove_prefix(newline + 1);
    seeks_record_ = false;
  } else if (unread.starts_with(kMagic)) {
    const auto newline = unread.find('\n');
    if (newline == std::string_view::npos) return;
    unread.remove_prefix(newline + 1);
  }
  while (const auto record = take_record(unread)) {
    if (record->stream == Stream::remark) {
      lines.push_back({record->at, record->stream, std::string(record->text)});
      continue;
    }
    auto& begun = begun_[record->stream == Stream::error];
    if (!begun) begun = LogLine{record->at, record->stream, {}};
    begun->text += record->text;
    if (!record->goes_on) {
      lines.push_back(std::move(*begun));
      begun.reset();
    }
  }
  unread_.erase(0, unread_.size() - unread.size());
}

std::vector<LogLine> LogReader::unfinished() {
  std::vector<LogLine> lines;
  for (auto& begun : begun_) {
    if (begun) lines.push_back(std::move(*begun));
    begun.reset();
  }
  std::ranges::stable_sort(lines, {}, &LogLine::at);
  return lines;
}

std::vector<LogFile> logs_in(const std::string& folder) {
  std::vector<LogFile> logs;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (const auto name = parse_log_file_name(entry->path().filename().string())) {
      logs.push_back({*name, entry->path().string()});
    }
  }
  std::ranges::sort(logs, {}, &LogFile::name);
  return logs;
}

void sort_by_time(std::vector<OwnedLine>& lines) {
  // A line belongs to the moment it began, and a line of the other stream may have begun and ended
  // since: the order of reading breaks ties only within one attempt.
  std::ranges::stable_sort(lines, [](const OwnedLine& a, const OwnedLine& b) {
    return a.line.at != b.line.at ? a.line.at < b.line.at : a.name < b.name;
  });
}

}  // namespace interlock::process
