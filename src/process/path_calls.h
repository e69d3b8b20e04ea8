#pragma once

#include <span>

#include "engine/sandbox.h"

namespace interlock::process {

/// A system call that names files, and what it does with them: for the filter that picks it out and
/// for the observer that reads it. Arguments are told by their place, from 0.
struct PathCall {
  using Watch = engine::Sandbox::Watch;

  enum class Deed : unsigned char {
    open,      ///< With open(2)'s flags in an argument.
    open_how,  ///< With a pointer to them (openat2).
    create,    ///< As open with O_CREAT | O_WRONLY | O_TRUNC.
    execute,
    look,    ///< At what is there, not at what it holds.
    change,  ///< What is there, or that nothing is.
    make_folder,
    make_link,    ///< A symbolic one.
    change_mode,  ///< Or owner, times, attributes: what Landlock does not keep anyone from.
  };
  /// Of what it names, for it to have an effect.
  enum class If : unsigned char { either, there, absent };

  struct Name {
    int folder = -1;       ///< The descriptor it is relative to; -1: the current folder.
    int path = -1;         ///< -1: there is no such name.
    bool follows = false;  ///< A link that the name ends in.
    If effective = If::either;
  };

  static constexpr int kFollowFlag = 0x400;      ///< AT_SYMLINK_FOLLOW.
  static constexpr int kNoFollowFlag = 0x100;    ///< AT_SYMLINK_NOFOLLOW.
  static constexpr int kEmptyPathFlag = 0x1000;  ///< AT_EMPTY_PATH.

  long number;
  Watch from;  ///< The least watch that is told of it.
  Deed deed;
  Name first;
  Name second;
  int flags = -1;  ///< Where open(2)'s or the AT_* flags are; -1: nowhere.
};

std::span<const PathCall> path_calls();
/// Nothing for any other call.
const PathCall* path_call(long number);

}  // namespace interlock::process
