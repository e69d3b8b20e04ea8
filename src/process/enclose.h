#pragma once

#include <net/if.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/enclosure.h"
#include "process/landlock.h"
#include "process/step.h"

namespace interlock::process {

/// By what right this process makes pictures.
struct Standing {
  bool may_mount = false;   ///< By its own capabilities; else in a user namespace of the child.
  bool user_xattrs = true;  ///< Overlays note `user.overlay.*`; only true root `trusted.overlay.*`.
};
Standing standing();

/// An enclosure as steps of the process that goes into it, with all that these point to.
class Enclosing {
 public:
  /// Fails where the host cannot do what is asked, as far as that is known beforehand.
  static Result<Enclosing> prepare(const engine::Enclosure& enclosure);

  /// Namespaces, mounts, network: to be taken before the folder is entered.
  const std::vector<Step>& around() const { return around_; }
  /// What it may do there: to be taken after.
  const std::vector<Step>& within() const { return within_; }

 private:
  /// What steps point to must not move.
  struct Held {
    std::deque<std::string> texts;
    std::deque<Allowance> allowances;
    RuledActs acts;
    ifreq loopback{};
  };

  const char* keep(std::string text) { return held_->texts.emplace_back(std::move(text)).c_str(); }
  void enter_namespaces(const engine::Enclosure& enclosure, const Standing& own);
  void bind_folders(const engine::Enclosure& enclosure);
  Result<void> mount(const engine::Enclosure::Picture& picture, const Standing& own);
  void mount_in_pieces(const engine::Enclosure::Picture& picture, const Standing& own);
  void set_folder(const char* option, const std::string& path);
  Result<void> confine(const engine::Enclosure& enclosure);

  std::unique_ptr<Held> held_ = std::make_unique<Held>();
  std::vector<Step> around_;
  std::vector<Step> within_;
};

}  // namespace interlock::process
