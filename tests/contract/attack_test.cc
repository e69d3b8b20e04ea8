#include <fcntl.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include <fstream>
#include <iterator>
#include <set>

#include "contract/attacks.h"
#include "contract/enclosed_world.h"
#include "process/capabilities.h"
#include "process/landlock.h"

// Attacks from inside an attempt, as root and as an ordinary user. None comes to anything, what can
// be named is named, and docs/isolation.md lists exactly these.
namespace interlock::process {
namespace {

using engine::Sandbox;
using plan::Isolation;

/// The attacking program, where anybody may execute it.
class Weapon {
 public:
  Weapon() : place(fmt::format("/tmp/interlock_attacker_{}", ::getpid())) {
    std::filesystem::copy_file(INTERLOCK_ATTACKER, place,
                               std::filesystem::copy_options::overwrite_existing);
    ::chmod(place.c_str(), 0755);
  }
  ~Weapon() { std::filesystem::remove(place); }
  Weapon(const Weapon&) = delete;

  const std::string place;
};

/// A terminal of ours, as if somebody else sat at it.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char name[64];
    if (master_ && ::grantpt(master_.get()) == 0 && ::unlockpt(master_.get()) == 0 &&
        ::ptsname_r(master_.get(), name, sizeof name) == 0) {
      path = name;
    }
  }

  std::string path;  ///< Empty: none to be had here.

 private:
  Fd master_;
};

class Attacked : public Sandboxed {
 protected:
  void each_from(Isolation isolation) {
    const Weapon weapon;
    at_site(isolation, [&](Site& site) {
      if (landlock_abi() < 6) {
        site.not_here = "Landlock keeps signals in from its sixth edition on";
        return;
      }
      for (const Attack& attack : attacks()) try_one(site, isolation, attack, weapon.place);
    });
  }

  static Sandbox sandbox(const Site& site, Isolation isolation) {
    return isolation == Isolation::view ? site.confined_snapshot()
                                        : site.guard({"own"}, {"own", "device"});
  }

  static void renew(const Site& site) {
    std::filesystem::remove_all(site.at("up"));
    std::filesystem::create_directories(site.at("up"));
    remove_with_overlay_work(site.at("work"), site.at("work"));
    std::filesystem::create_directories(site.at("work"));
    site.put("ws/own", "mine\n");
    site.put("out/file", "old\n");
    ::setxattr(site.at("out/file").c_str(), "user.kept", "1", 1, 0);
  }

  static void try_one(Site& site, Isolation isolation, const Attack& attack,
                      const std::string& program) {
    const Terminal terminal;
    renew(site);
    std::string target;
    switch (attack.target) {
      case Target::nothing: break;
      case Target::file: target = site.at("out/file"); break;
      case Target::own_file: target = site.at("ws/own"); break;
      case Target::workspace: target = site.at("ws"); break;
      case Target::dispatcher: target = fmt::format("{}", ::getpid()); break;
      case Target::terminal: target = terminal.path.empty() ? "/dev/pts/0" : terminal.path; break;
    }
    const std::string said =
        site.run(site.command({program, attack.id, target}, sandbox(site, isolation)));
    EXPECT_TRUE(said.starts_with("kept from it: ")) << attack.id << ": " << said;
    EXPECT_TRUE(!attack.named || !site.kept_from().empty()) << attack.id << ": " << said;
  }
};

TEST_P(Attacked, FromAViewNothingComesOfIt) { each_from(Isolation::view); }
TEST_P(Attacked, FromAGuardNothingComesOfIt) { each_from(Isolation::guard); }

/// Else the attacks above could fail for any reason.
TEST_P(Attacked, OutsideOfAnAttemptTheySucceed) {
  const Weapon weapon;
  at_site(Isolation::direct, [&](Site& site) {
    renew(site);
    for (const char* attack : {"fchmod", "fchown", "fchownat-empty", "utimensat", "futimens"}) {
      auto spec = site.command({weapon.place, attack, site.at("out/file")}, {});
      spec.sandbox.reset();
      EXPECT_EQ(site.run(spec), "did it\n") << attack;
    }
    for (const char* attack : {"prlimit", "setpriority", "sched", "affinity", "signal"}) {
      auto spec = site.command({weapon.place, attack, fmt::format("{}", ::getpid())}, {});
      spec.sandbox.reset();
      EXPECT_EQ(site.run(spec), "did it\n") << attack;
    }
  });
}

TEST_P(Attacked, WhatIsItsOwnCanBeDealtWith) {
  const Weapon weapon;
  at_site(Isolation::view, [&](Site& site) {
    renew(site);
    const auto run = [&](const std::string& what, const std::string& target) {
      std::filesystem::remove_all(site.at("up"));
      renew(site);
      return site.run(site.command({weapon.place, what, target}, site.confined_snapshot()));
    };
    EXPECT_EQ(run("own-limits", ""), "did it\n");
    EXPECT_EQ(run("own-file", site.at("ws/own")), "did it\n");
    EXPECT_TRUE(Terminal().path.empty() || run("own-terminal", "") == "did it\n");
    EXPECT_EQ(site.kept_from(), "");
  });
}

TEST_P(Attacked, RootKeepsOnlyTheCapabilitiesThatAreListed) {
  at_site(Isolation::guard, [](Site& site) {
    const bool is_root = ::geteuid() == 0;
    const std::uint64_t kept =
        is_root ? kept_capability_mask(ruled_acts(landlock_abi()).scopes != 0) : 0;
    EXPECT_EQ(site.run("grep CapEff /proc/self/status", site.guard({}, {})),
              fmt::format("CapEff:\t{:016x}\n", kept));
  });
}

TEST_P(Attacked, TheCallsThatAreRefusedAreNamed) {
  const Weapon weapon;
  at_site(Isolation::guard, [&](Site& site) {
    site.run(site.command({weapon.place, "bpf"}, site.guard({}, {})));
    EXPECT_EQ(site.kept_from(), "loading programs into the kernel (bpf)\n");
    site.run(
        site.command({weapon.place, "prlimit", fmt::format("{}", ::getpid())}, site.guard({}, {})));
    EXPECT_EQ(site.kept_from(), fmt::format("changing the limits of process {}\n", ::getpid()));
    renew(site);
    site.run(site.command({weapon.place, "fchmod", site.at("out/file")}, site.guard({}, {})));
    EXPECT_EQ(site.kept_from(), "w out/file\n");
  });
}

/// The first column of the table below the heading, its words in backticks.
std::set<std::string> documented(const std::string& heading) {
  std::ifstream file("docs/isolation.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::set<std::string> ids;
  auto at = text.find(heading);
  if (at == text.npos) return ids;
  const auto end = std::min(text.find("\n## ", at + 1), text.size());
  for (at = text.find("\n| `", at); at < end; at = text.find("\n| `", at + 1)) {
    const auto from = at + 4;
    ids.insert(text.substr(from, text.find('`', from) - from));
  }
  return ids;
}

TEST(AttacksInTheDocs, AreThoseThatAreTried) {
  std::set<std::string> tried;
  for (const Attack& attack : attacks()) tried.insert(attack.id);
  EXPECT_EQ(documented("\n## Attack by attack\n"), tried);
}

TEST(AttacksInTheDocs, ListTheCapabilitiesThatRootKeeps) {
  std::set<std::string> kept;
  for (const KeptCapability& one : kept_capabilities()) kept.insert(one.name);
  EXPECT_EQ(documented("\n## What root keeps\n"), kept);
}

INSTANTIATE_TEST_SUITE_P(Who, Attacked, testing::Values(Who::root, Who::user),
                         [](const auto& who) { return who.param == Who::root ? "root" : "user"; });

}  // namespace
}  // namespace interlock::process
