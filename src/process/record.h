#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "engine/sandbox.h"
#include "process/bounds.h"
#include "process/caller.h"
#include "process/notified_call.h"

namespace interlock::process {

/// What one attempt was seen to do, and what it is kept from.
class Record {
 public:
  explicit Record(const engine::Sandbox& sandbox);

  /// What is to be noted of a call, and how it is to be answered.
  struct Verdict {
    int error = 0;  ///< 0: the call goes on.
    std::set<std::string> opened;
    std::set<std::string> looked_at;
    std::set<std::string> written;
    bool goes_by_what_was = false;  ///< What was there decides what is written.
    std::set<engine::Denied> denied;
    std::string gap;
  };
  /// For the thread alone that answers calls. The process must stand still meanwhile.
  Verdict judge(const Caller& caller, const NotifiedCall& call);
  void note(Verdict verdict);
  /// It was not watched, or not from its beginning to its end.
  void note_unwatched(const std::string& gap) {
    if (gap_.empty()) gap_ = gap;
  }
  /// Watching it went wrong.
  void note_broken(const std::string& why) {
    if (broken_.empty()) broken_ = why;
  }
  bool is_broken() const { return !broken_.empty(); }

  /// `over`: nothing more can come.
  engine::Observed so_far(bool over) const;

 private:
  using Named = NotifiedCall::Named;

  void judge_change(const Caller& caller, const NotifiedCall& call, const Named& name,
                    Verdict& verdict) const;
  void judge_read(const Caller& caller, const Named& name, Verdict& verdict) const;
  void see(const Caller& caller, const Named& name, bool opens, Verdict& verdict);
  void note_written(const Caller& caller, const Named& name, Verdict& verdict);
  void see_landed(const ForeignPath& landed, const Named& name, bool opens, Verdict& verdict) const;
  void follow_script(const Caller& caller, const Named& name, Verdict& verdict);
  static bool may_make_links(const Caller& caller, const NotifiedCall& call);
  ForeignPath land(const Caller& caller, const Named& name);
  bool stays_as_it_is(const std::string& folder) const;

  Bounds bounds_;
  bool keeps_looks_;
  // For the thread alone.
  bool makes_links_ = false;  ///< Links in the workspace may have come and gone.
  std::unordered_map<std::string, ForeignPath> folders_outside_;  ///< Where those lead.

  std::unordered_set<std::string> opened_;
  std::unordered_set<std::string> looked_at_;
  std::unordered_set<std::string> written_;
  std::unordered_set<std::string> updated_;
  std::set<engine::Denied> denied_;
  std::string gap_;
  bool may_have_read_anything_ = false;
  std::string broken_;
};

}  // namespace interlock::process
