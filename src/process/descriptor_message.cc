#include "process/descriptor_message.h"

#include <cerrno>
#include <cstring>

namespace interlock::process {

DescriptorMessage::DescriptorMessage() {
  static_assert(CMSG_SPACE(sizeof(int)) <= 64);
  content_ = {&byte_, 1};
  message_.msg_iov = &content_;
  message_.msg_iovlen = 1;
  message_.msg_control = control_.data();
  message_.msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* const header = CMSG_FIRSTHDR(&message_);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  number_ = reinterpret_cast<int*>(CMSG_DATA(header));
}

ReceivedDescriptor receive_descriptor(int socket) {
  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0) return {};
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  // Without room for it the kernel drops the descriptor, and leaves a message without.
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {{}, EMFILE, true};
  int number = -1;
  std::memcpy(&number, CMSG_DATA(header), sizeof number);
  return {sys::Descriptor(number), 0, true};
}

}  // namespace interlock::process
