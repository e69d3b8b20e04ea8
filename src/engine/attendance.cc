#include "engine/attendance.h"

#include "base/fields.h"

namespace interlock::engine {

std::string text_of(const Attendance& attendance) {
  std::string text;
  add_field(text, attendance.folder);
  add_fields(text, attendance.setup);
  add_fields(text, attendance.work);
  add_field(text, static_cast<std::int64_t>(attendance.services.size()));
  for (const Attendance::Service& service : attendance.services) {
    add_field(text, service.name);
    add_fields(text, service.run);
    add_fields(text, service.ready);
    add_field(text, std::int64_t{service.port});
    add_field(text, std::int64_t{service.ready_within.count()});
  }
  return text;
}

Result<Attendance> read_attendance(std::string_view text) {
  FieldReader reader(text);
  Attendance attendance;
  attendance.folder = reader.text();
  attendance.setup = reader.list();
  attendance.work = reader.list();
  for (std::size_t left = reader.count(); reader.is_good() && left > 0; --left) {
    Attendance::Service service;
    service.name = reader.text();
    service.run = reader.list();
    service.ready = reader.list();
    service.port = static_cast<std::uint16_t>(reader.number());
    service.ready_within = Duration(reader.number());
    attendance.services.push_back(std::move(service));
  }
  if (!reader.is_good() || !reader.is_at_end() || attendance.work.empty())
    return fail(Error::Kind::invalid, "this does not say what is to be attended");
  return attendance;
}

}  // namespace interlock::engine
