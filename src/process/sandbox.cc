#include "process/sandbox.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "process/capabilities.h"
#include "sys/proc.h"

namespace interlock::process {
namespace {

using Act = ChildStep::Act;

/// mount(2) takes a page of options, less its NUL.
constexpr std::size_t kOptionsMax = 4095;
/// fsconfig(2) takes values of 256 bytes with their NUL.
constexpr std::size_t kValueMax = 255;

/// Since Linux 6.7 an overlay takes its layers one by one, whatever their names hold.
bool kernel_takes_single_layers() {
  utsname host{};
  if (::uname(&host) != 0) return false;
  const std::string_view release = host.release;
  int major = 0;
  int minor = 0;
  const auto [end, error] = std::from_chars(release.data(), release.data() + release.size(), major);
  if (error != std::errc{} || end == release.data() + release.size()) return false;
  std::from_chars(end + 1, release.data() + release.size(), minor);
  return major > 6 || (major == 6 && minor >= 7);
}

std::string escaped(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c == '\\' || c == ':' || c == ',') result += '\\';
    result += c;
  }
  return result;
}

std::string options_for(const engine::Sandbox::Snapshot& snapshot, const MountRight& own) {
  std::string lower;
  for (const std::string& layer : snapshot.layers) lower += escaped(layer) + ":";
  return fmt::format("lowerdir={}{},upperdir={},workdir={},volatile{}", lower, escaped(snapshot.at),
                     escaped(snapshot.upper), escaped(snapshot.work),
                     own.user_xattrs ? ",userxattr" : "");
}

}  // namespace

MountRight mount_right() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  ::syscall(SYS_capget, &header, sets);
  MountRight own;
  own.may_mount = (sets[0].effective >> CAP_SYS_ADMIN & 1) != 0;
  // Only the first user namespace maps all there are.
  const std::string map = sys::read_whole("/proc/self/uid_map").value_or("");
  own.user_xattrs = !own.may_mount || map.find("4294967295") == std::string::npos;
  return own;
}

Result<SandboxSteps> SandboxSteps::prepare(const engine::Sandbox& sandbox) {
  SandboxSteps steps_in;
  const MountRight own = mount_right();
  steps_in.enter_namespaces(sandbox, own);
  if (sandbox.own_network && sandbox.gateway_port) {
    if (auto listens = steps_in.listen_for_gateway(*sandbox.gateway_port); !listens)
      return std::unexpected(listens.error());
  }
  steps_in.bind_folders(sandbox);
  if (sandbox.snapshot) {
    if (auto mounted = steps_in.mount(*sandbox.snapshot, own); !mounted) {
      return std::unexpected(mounted.error());
    }
  }
  // Root in a guard has mounts of its own only for these.
  if (sandbox.confined && !sandbox.snapshot && sandbox.binds.empty() && own.may_mount)
    steps_in.around_.push_back({.act = Act::try_own_mounts});
  if (sandbox.confined) steps_in.around_.push_back({.act = Act::mount_terminals});
  steps_in.within_.push_back({.act = Act::gain_no_privileges});
  if (sandbox.confined) {
    if (auto confined = steps_in.confine(sandbox); !confined) {
      return std::unexpected(confined.error());
    }
  }
  // It could take the snapshot away again and stand in the workspace itself, among much else.
  if (sandbox.snapshot || sandbox.confined) {
    const bool scoped = sandbox.confined && steps_in.held_->acts.scopes != 0;
    steps_in.within_.push_back(
        {.act = Act::keep_capabilities, .number = kept_capability_mask(scoped)});
  }
  return steps_in;
}

void SandboxSteps::enter_namespaces(const engine::Sandbox& sandbox, const MountRight& own) {
  unsigned long wanted = 0;
  if (sandbox.snapshot || !sandbox.binds.empty()) wanted |= CLONE_NEWNS;
  if (sandbox.own_network) wanted |= CLONE_NEWNET;
  if (wanted == 0) return;
  if (!own.may_mount) wanted |= CLONE_NEWUSER;
  around_.push_back({.act = Act::enter_namespaces, .number = wanted});
  if (!own.may_mount) {
    // One of each is all that who has no rights may map, and only without setgroups(2).
    const std::pair<const char*, std::string> maps[] = {
        {"/proc/self/setgroups", "deny"},
        {"/proc/self/uid_map", fmt::format("{0} {0} 1", ::geteuid())},
        {"/proc/self/gid_map", fmt::format("{0} {0} 1", ::getegid())}};
    for (const auto& [file, text] : maps) {
      const char* const kept = keep(text);
      around_.push_back({.act = Act::write_text, .a = file, .b = kept, .number = text.size()});
    }
    // New credentials may have cleared it.
    around_.push_back(
        {.act = Act::die_with_parent, .number = static_cast<unsigned long>(::getpid())});
  }
  if (sandbox.own_network) {
    std::strncpy(held_->loopback.ifr_name, "lo", IFNAMSIZ - 1);
    held_->loopback.ifr_flags = IFF_UP;
    around_.push_back({.act = Act::raise_loopback, .data = &held_->loopback});
  }
}

Result<void> SandboxSteps::listen_for_gateway(std::uint16_t port) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(Error::Kind::io,
                fmt::format("cannot give it a way to the gateway: {}", std::strerror(errno)));
  held_->own_end = sys::Descriptor(ends[0]);
  held_->childs_end = sys::Descriptor(ends[1]);
  ListenerHandOver& listener = held_->listener;
  listener.address.sin_family = AF_INET;
  listener.address.sin_port = htons(port);
  listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener.socket = ends[1];
  listener.message = &held_->listener_message.message();
  listener.listener = held_->listener_message.number();
  around_.push_back({.act = Act::listen_for_gateway, .data = &listener});
  return {};
}

sys::Descriptor SandboxSteps::take_listener() {
  if (!held_->own_end) return {};
  return receive_descriptor(held_->own_end.get()).descriptor;
}

/// Before the snapshot: what is bound may lie in a folder of the workspace's that it covers.
void SandboxSteps::bind_folders(const engine::Sandbox& sandbox) {
  if (!sandbox.snapshot && sandbox.binds.empty()) return;
  around_.push_back({.act = Act::keep_mounts});
  for (const auto& [from, at] : sandbox.binds)
    around_.push_back({.act = Act::bind_folder, .a = keep(from), .b = keep(at)});
}

Result<void> SandboxSteps::mount(const engine::Sandbox::Snapshot& snapshot, const MountRight& own) {
  if (kernel_takes_single_layers()) {
    mount_in_pieces(snapshot, own);
    return {};
  }
  std::string options = options_for(snapshot, own);
  if (options.size() > kOptionsMax) {
    return fail(
        Error::Kind::io,
        fmt::format("cannot mount the snapshot of `{}`: {} layers need {} bytes of options, "
                    "and this kernel takes {}",
                    snapshot.at, snapshot.layers.size() + 1, options.size(), kOptionsMax),
        "run on Linux 6.7 or later, or keep state in a folder with a shorter path");
  }
  around_.push_back(
      {.act = Act::mount_overlay, .a = keep(snapshot.at), .b = keep(std::move(options))});
  return {};
}

void SandboxSteps::mount_in_pieces(const engine::Sandbox::Snapshot& snapshot,
                                   const MountRight& own) {
  around_.push_back({.act = Act::open_overlay});
  for (const std::string& layer : snapshot.layers) set_folder("lowerdir+", layer);
  set_folder("lowerdir+", snapshot.at);
  set_folder("upperdir", snapshot.upper);
  set_folder("workdir", snapshot.work);
  around_.push_back({.act = Act::set_overlay, .a = "volatile"});
  if (own.user_xattrs) around_.push_back({.act = Act::set_overlay, .a = "userxattr"});
  around_.push_back({.act = Act::attach_overlay, .a = keep(snapshot.at)});
}

/// A path that is too long for a value is entered, and given as where we are.
void SandboxSteps::set_folder(const char* option, const std::string& path) {
  const bool fits = path.size() <= kValueMax;
  const char* const kept = keep(path);
  if (!fits) around_.push_back({.act = Act::enter_folder, .a = kept});
  around_.push_back({.act = Act::set_overlay, .a = option, .b = fits ? kept : "."});
}

Result<void> SandboxSteps::confine(const engine::Sandbox& sandbox) {
  const int abi = landlock_abi();
  if (abi == 0) {
    return fail(Error::Kind::io, "cannot confine it: the kernel has no Landlock, or keeps it off",
                "boot Linux 5.13 or later with `landlock` in its `lsm=` list, or choose another "
                "isolation");
  }
  held_->acts = ruled_acts(abi);
  within_.push_back({.act = Act::open_rules, .data = &held_->acts, .number = RuledActs::size(abi)});
  for (LandlockRule& rule : landlock_rules(sandbox, abi)) {
    const Allowance& allowance = held_->allowances.emplace_back(rule.allowance);
    const char* const below = rule.below.empty() ? nullptr : keep(std::move(rule.below));
    within_.push_back({.act = rule.if_terminals ? Act::allow_terminals : Act::allow,
                       .a = keep(std::move(rule.path)),
                       .b = below,
                       .data = &allowance});
  }
  within_.push_back({.act = Act::enforce_rules});
  return {};
}

}  // namespace interlock::process
