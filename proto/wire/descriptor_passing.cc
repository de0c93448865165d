#include "proto/wire/descriptor_passing.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/status.h"

namespace halflife {
namespace {

constexpr size_t kControlBytes = CMSG_SPACE(kMaxPassedDescriptors * sizeof(int));

absl::Status SystemError(absl::StatusCode code, const char* call) {
  return absl::Status(code, absl::StrCat("shared memory: ", call, ": ", std::strerror(errno)));
}

std::vector<FileDescriptor> DescriptorsOf(msghdr& message) {
  std::vector<FileDescriptor> descriptors;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

}  // namespace

absl::Status SendMessage(int socket, absl::Span<const uint8_t> bytes,
                         absl::Span<const int> descriptors) {
  iovec piece{.iov_base = const_cast<uint8_t*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[kControlBytes] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    if (descriptors.size() > kMaxPassedDescriptors) {
      return absl::InvalidArgumentError("shared memory: too many descriptors in a message");
    }
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size() * sizeof(int));
  }
  const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return absl::OkStatus();
  return SystemError(absl::StatusCode::kUnavailable, "sendmsg");
}

absl::StatusOr<PassedMessage> ReceiveMessage(int socket) {
  PassedMessage received;
  received.bytes.resize(kMaxHandshakeBytes);
  iovec piece{.iov_base = received.bytes.data(), .iov_len = received.bytes.size()};
  alignas(cmsghdr) char control[kControlBytes] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0) {
    const bool nothing_yet = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return SystemError(nothing_yet ? absl::StatusCode::kUnavailable : absl::StatusCode::kAborted,
                       "recvmsg");
  }
  // First, so that they are closed whatever is wrong.
  received.descriptors = DescriptorsOf(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return absl::InvalidArgumentError("shared memory: a message that is too long");
  }
  received.bytes.resize(static_cast<size_t>(size));
  return received;
}

}  // namespace halflife
