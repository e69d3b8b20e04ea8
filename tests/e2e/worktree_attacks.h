#pragma once

#include <string>
#include <vector>

namespace interlock::e2e {

/// A way to have git, run by the dispatcher outside of any sandbox, run what a task wrote.
struct WorktreeAttack {
  std::string id;  ///< Of the table in docs/isolation.md, and a folder in which it all lies.
  /// What the person has set up, in the workspace before its first commit: `$here` is the attack's
  /// folder, whole, `$up` the workspace.
  std::string found;
  /// What the task does, in its worktree, in the attack's folder. `$leak` is a line of shell that
  /// leaves a proof where no task can write; `put FILE` makes a program of that. It then changes
  /// `file`.
  std::string done;
};

/// All that are tried, as root and as an ordinary user.
inline std::vector<WorktreeAttack> worktree_attacks() {
  // A program of the workspace that the person's own settings name; it came with the first commit.
  const std::string program = "printf '#!/bin/sh\\nexec cat\\n' >tool; chmod +x tool; ";
  const auto filtered = [&](const std::string& named) {
    return program + "echo 'file filter='$id >.gitattributes; git config filter.$id.clean " + named;
  };
  const auto attributed = [&](const std::string& what, const std::string& setting) {
    return program + "echo 'file " + what + "='$id >.gitattributes; git config " + setting;
  };
  return {
      {"filter-own", "echo 'file filter='$id >.gitattributes",
       "for k in clean smudge process; do git config filter.$id.$k \"$leak\"; done"},
      {"filter-relative", filtered("./filter-relative/tool"), "put tool"},
      {"filter-absolute", filtered("$here/tool"), "put tool"},
      {"filter-by-shell", filtered("\"sh $here/tool\""), "put tool"},
      {"filter-detour", filtered("\"exec $up/../$(basename $up)/$id/tool\""), "put tool"},
      {"filter-sourced", filtered("\". $here/tool\""), "put tool"},
      {"filter-by-cd", filtered("\"cd $here && ./tool\""), "put tool"},
      {"filter-process",
       program + "echo 'file filter='$id >.gitattributes; git config filter.$id.process $here/tool",
       "put tool"},
      {"attributes", "git config filter.$id.clean \"$leak\"",
       "echo '* filter='$id >.gitattributes; mkdir -p ../.git/info; "
       "echo '* filter='$id >../.git/info/attributes; git config core.attributesFile "
       "$PWD/.gitattributes"},
      {"include-own", "echo 'file filter='$id >.gitattributes",
       "git config -f more filter.$id.clean \"$leak\"; git config include.path $PWD/more; "
       "printf '[include]\\n\\tpath = %s/more\\n' $PWD >>../.git/config.worktree"},
      {"hooks", "",
       "mkdir -p ../.git/hooks; put all; "
       "for h in pre-commit post-commit reference-transaction post-index-change post-checkout "
       "pre-auto-gc post-rewrite fsmonitor-watchman; do cp all ../.git/hooks/$h; done; "
       "git config core.hooksPath $PWD/../.git/hooks"},
      {"hooks-path",
       program + "mkdir hooks; cp tool hooks/post-commit; git config core.hooksPath $here/hooks",
       "put all; for h in post-commit reference-transaction post-index-change; do cp all hooks/$h; "
       "done"},
      {"fsmonitor", program + "git config core.fsmonitor $here/tool",
       "put tool; git config core.fsmonitor \"$leak\""},
      {"external-diff",
       attributed("diff", "diff.$id.command $here/tool; git config diff.external $here/tool"),
       "put tool; git config diff.external \"$leak\"; git config diff.$id.command \"$leak\""},
      {"textconv", attributed("diff", "diff.$id.textconv $here/tool"),
       "put tool; git config diff.$id.textconv \"$leak\""},
      {"merge-driver", attributed("merge", "merge.$id.driver \"$here/tool %A\""),
       "put tool; git config merge.$id.driver \"$leak\""},
      {"signing",
       program + "git config gpg.program $here/tool; git config commit.gpgSign true; "
                 "git config tag.gpgSign true; git config gpg.ssh.program $here/tool",
       "put tool; git config gpg.program $PWD/tool; git config commit.gpgSign true"},
      {"credential-helper",
       program + "git config credential.helper $here/tool; git config core.askPass $here/tool",
       "put tool; git config credential.helper \"!$leak\"; git config core.askPass $PWD/tool"},
      {"transport",
       program +
           "git config core.sshCommand $here/tool; git config core.gitProxy $here/tool; "
           "git config remote.origin.url ssh://nowhere/x; git config remote.origin.promisor true",
       "put tool; git config core.sshCommand \"$leak\"; git config remote.o.url \"ext::sh -c "
       "$PWD/tool\"; "
       "git config remote.o.promisor true; git config extensions.partialClone o"},
      {"pager-and-editor",
       program + "git config core.pager $here/tool; git config core.editor $here/tool",
       "put tool; git config core.pager \"$leak\"; git config core.editor \"$leak\"; git config "
       "alias.status \"!$leak\""},
      {"alternate-refs",
       program + "git config core.alternateRefsCommand $here/tool; "
                 "git config uploadpack.packObjectsHook $here/tool",
       "put tool; git config core.alternateRefsCommand \"$leak\"; git config "
       "uploadpack.packObjectsHook \"$leak\""},
      {"submodule", "",
       "put tool; printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = ext::sh -c "
       "%s/tool\\n\\tupdate = !%s/tool\\n' "
       "$PWD $PWD >../.gitmodules; git config submodule.x.update \"!$leak\"; "
       "git config submodule.x.url \"ext::sh -c $PWD/tool\"; git config submodule.recurse true"},
      {"program-git",
       program + "mkdir bin; cp tool bin/git; rm tool; sed -i 's,exec cat,exec /usr/bin/git "
                 "\"$@\",' bin/git",
       "printf '#!/bin/sh\\n%s; exec /usr/bin/git \"$@\"\\n' \"touch $proof\" >bin/git"},
      {"git-file", "",
       "mv ../.git ../away; mkdir ../other; git init -q ../other; put tool; "
       "mkdir -p ../other/.git/hooks; cp tool ../other/.git/hooks/reference-transaction; "
       "git --git-dir=../other/.git config core.fsmonitor \"$leak\"; ln -s other/.git ../.git"},
      {"persons-config", "",
       "git --git-dir=$persons/.git config filter.x.clean \"$leak\" && could; "
       "printf '[core]\\n\\tfsmonitor = %s\\n' \"$leak\" >>$persons/.git/config && could"},
      {"persons-hooks", "",
       "put tool; cp tool $persons/.git/hooks/post-checkout && could; "
       "mkdir -p $persons/.git/hooks && cp tool $persons/.git/hooks/reference-transaction && "
       "could"},
      {"persons-refs", "",
       "git --git-dir=$persons/.git update-ref refs/heads/stolen HEAD && could; "
       "git --git-dir=$persons/.git branch -D main && could; rm -rf $persons/.git && could; "
       "echo x >>$persons/.git/HEAD && could; echo x >$persons/.git/index && could"},
  };
}

}  // namespace interlock::e2e
