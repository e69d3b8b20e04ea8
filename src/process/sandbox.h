#pragma once

#include <net/if.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/sandbox.h"
#include "process/child_program.h"
#include "process/descriptor_message.h"
#include "process/landlock.h"

namespace interlock::process {

/// By what right this process makes snapshots.
struct MountRight {
  bool may_mount = false;   ///< By its own capabilities; else in a user namespace of the child.
  bool user_xattrs = true;  ///< Overlays note `user.overlay.*`; only true root `trusted.overlay.*`.
};
MountRight mount_right();

/// A sandbox as steps of the process that goes into it, with all that these point to.
class SandboxSteps {
 public:
  /// Fails where the host cannot do what is asked, as far as that is known beforehand.
  static Result<SandboxSteps> prepare(const engine::Sandbox& sandbox);

  /// Namespaces, mounts, network: to be taken before the folder is entered.
  const std::vector<ChildStep>& around() const { return around_; }
  /// What it may do there: to be taken after.
  const std::vector<ChildStep>& within() const { return within_; }
  /// What it needs of ours on the way; -1: nothing.
  int kept_descriptor() const { return held_->childs_end.get(); }
  /// After it was launched: the socket that listens in its own network. Null: none was asked for.
  sys::Descriptor take_listener();

 private:
  /// What steps point to must not move.
  struct Held {
    std::deque<std::string> texts;
    std::deque<Allowance> allowances;
    RuledActs acts;
    ifreq loopback{};
    DescriptorMessage listener_message;
    ListenerHandOver listener;
    sys::Descriptor own_end, childs_end;  ///< What the listener comes by.
  };

  const char* keep(std::string text) { return held_->texts.emplace_back(std::move(text)).c_str(); }
  void enter_namespaces(const engine::Sandbox& sandbox, const MountRight& own);
  Result<void> listen_for_gateway(std::uint16_t port);
  void bind_folders(const engine::Sandbox& sandbox);
  Result<void> mount(const engine::Sandbox::Snapshot& snapshot, const MountRight& own);
  void mount_in_pieces(const engine::Sandbox::Snapshot& snapshot, const MountRight& own);
  void set_folder(const char* option, const std::string& path);
  Result<void> confine(const engine::Sandbox& sandbox);

  std::unique_ptr<Held> held_ = std::make_unique<Held>();
  std::vector<ChildStep> around_;
  std::vector<ChildStep> within_;
};

}  // namespace interlock::process
