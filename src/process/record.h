#pragma once

#include <linux/seccomp.h>

#include <set>
#include <string>
#include <unordered_set>

#include "engine/enclosure.h"
#include "process/bounds.h"
#include "process/landing.h"
#include "process/told_call.h"

namespace interlock::process {

/// What one attempt was seen to do, and what it is kept from.
class Record {
 public:
  explicit Record(const engine::Enclosure& enclosure)
      : bounds_(enclosure), keeps_looks_(enclosure.watch == engine::Enclosure::Watch::all) {}

  /// What is to be noted of a call, and how it is to be answered.
  struct Verdict {
    int error = 0;  ///< 0: the call goes on.
    std::set<std::string> opened;
    std::set<std::string> looked_at;
    std::set<std::string> written;
    std::set<engine::Denied> denied;
    std::string gap;
  };
  /// Nothing of this changes; the process must stand still meanwhile.
  Verdict judge(pid_t process, const ToldCall& call) const;
  void note(Verdict verdict);
  void note_gap(const std::string& gap) {
    if (gap_.empty()) gap_ = gap;
  }

  /// `over`: nothing more can come.
  engine::Observed so_far(bool over) const;

 private:
  void judge_change(pid_t process, const ToldCall& call, const ToldCall::Named& name,
                    Verdict& verdict) const;
  void judge_read(pid_t process, const ToldCall::Named& name, Verdict& verdict) const;
  void follow_script(pid_t process, const ToldCall::Named& name, Verdict& verdict) const;

  Bounds bounds_;
  bool keeps_looks_;
  std::unordered_set<std::string> opened_;
  std::unordered_set<std::string> looked_at_;
  std::unordered_set<std::string> written_;
  std::set<engine::Denied> denied_;
  std::string gap_;
};

}  // namespace interlock::process
