#include "engine/attendance.h"

#include <charconv>
#include <optional>

namespace interlock::engine {

namespace {

// Fields of bytes, each with its length before it: `3:abc`. An argument may hold any of them.
void add(std::string& text, std::string_view field) {
  text += std::to_string(field.size());
  text += ':';
  text += field;
}

void add(std::string& text, const std::vector<std::string>& list) {
  add(text, std::to_string(list.size()));
  for (const std::string& one : list) add(text, one);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string text() {
    const std::size_t colon = text_.find(':');
    const auto size = number_in(text_.substr(0, std::min(colon, text_.size())));
    if (!size || colon == text_.npos || *size > text_.size() - colon - 1) {
      good_ = false;
      text_ = {};
      return {};
    }
    std::string field(text_.substr(colon + 1, *size));
    text_.remove_prefix(colon + 1 + *size);
    return field;
  }
  std::uint64_t number() {
    const auto value = number_in(text());
    good_ = good_ && value;
    return value.value_or(0);
  }
  std::vector<std::string> list() {
    std::vector<std::string> all;
    for (std::uint64_t left = number(); good_ && left > 0; --left) all.push_back(text());
    return all;
  }
  bool is_good() const { return good_; }
  bool is_at_end() const { return text_.empty(); }

 private:
  static std::optional<std::uint64_t> number_in(std::string_view digits) {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, value);
    if (digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
  }

  std::string_view text_;
  bool good_ = true;
};

}  // namespace

std::string text_of(const Attendance& attendance) {
  std::string text;
  add(text, attendance.folder);
  add(text, attendance.setup);
  add(text, attendance.work);
  add(text, std::to_string(attendance.services.size()));
  for (const Attendance::Service& service : attendance.services) {
    add(text, service.name);
    add(text, service.run);
    add(text, service.ready);
    add(text, std::to_string(service.port));
    add(text, std::to_string(service.ready_within.count()));
  }
  return text;
}

Result<Attendance> read_attendance(std::string_view text) {
  Reader reader(text);
  Attendance attendance;
  attendance.folder = reader.text();
  attendance.setup = reader.list();
  attendance.work = reader.list();
  for (std::uint64_t left = reader.number(); reader.is_good() && left > 0; --left) {
    Attendance::Service service;
    service.name = reader.text();
    service.run = reader.list();
    service.ready = reader.list();
    service.port = static_cast<std::uint16_t>(reader.number());
    service.ready_within = Duration(static_cast<Duration::rep>(reader.number()));
    attendance.services.push_back(std::move(service));
  }
  if (!reader.is_good() || !reader.is_at_end() || attendance.work.empty())
    return fail(Error::Kind::invalid, "this does not say what is to be attended");
  return attendance;
}

}  // namespace interlock::engine
