#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "sys/descriptor.h"

namespace interlock::process {

/// A message that carries one descriptor (SCM_RIGHTS, unix(7)), ready but for its number: a child
/// of vfork has only to write that and to call sendmsg.
class DescriptorMessage {
 public:
  DescriptorMessage();
  DescriptorMessage(DescriptorMessage&&) = delete;

  const msghdr& message() const { return message_; }
  /// Where the number goes; the message is in the memory that the child shares.
  int* number() const { return number_; }

 private:
  iovec content_{};
  char byte_ = 0;
  alignas(std::max_align_t) std::array<char, 64> control_{};
  msghdr message_{};
  int* number_ = nullptr;
};

/// What came of it.
struct ReceivedDescriptor {
  sys::Descriptor descriptor;
  int error = 0;          ///< Why there is none although one was sent.
  bool is_there = false;  ///< Something was sent.
};
/// Without waiting.
ReceivedDescriptor receive_descriptor(int socket);

}  // namespace interlock::process
