#include "client/src/shm_line.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "client/src/shm_socket.h"
#include "common/status.h"
#include "common/strings.h"
#include "proto/wire/descriptor_passing.h"
#include "proto/wire/shm_handshake.h"

namespace halflife::client {
namespace {

constexpr int kConnectMilliseconds = 100;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

absl::StatusOr<std::shared_ptr<ShmLine>> ShmLine::Connect(const std::string& path,
                                                          const std::string& session) {
  HL_ASSIGN_OR_RETURN(FileDescriptor connection, ConnectToDoor(path));
  ShmLineHello hello;
  std::copy_n(session.begin(), std::min(session.size(), hello.session.size()),
              hello.session.begin());
  HL_RETURN_IF_ERROR(SendMessage(connection.get(), EncodeLineHello(hello), {}));
  HL_ASSIGN_OR_RETURN(const PassedMessage answer,
                      AwaitMessage(connection.get(), kConnectMilliseconds));
  HL_ASSIGN_OR_RETURN(const HandshakeStatus status, DecodeAck(answer.bytes));
  if (status != HandshakeStatus::kOk) {
    return absl::UnavailableError(
        absl::StrCat("shared memory: no line: ", ToAbsl(HandshakeStatusName(status))));
  }
  return std::shared_ptr<ShmLine>(new ShmLine(std::move(connection)));
}

bool ShmLine::Send(LineMethod method, const google::protobuf::MessageLite& message) {
  const std::string packet = EncodeLineCall(method, ++number_, message);
  if (packet.empty()) return false;  // nothing was sent: the line is as good as before
  const ssize_t sent =
      send(connection_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  usable_ = usable_ && sent == static_cast<ssize_t>(packet.size());
  return usable_;
}

absl::Status ShmLine::Receive(google::protobuf::MessageLite& response, int64_t timeout_ns) {
  timespec timeout{};
  timeout_ns = std::max<int64_t>(timeout_ns, 0);
  timeout.tv_sec = timeout_ns / kNanosPerSecond;
  timeout.tv_nsec = timeout_ns % kNanosPerSecond;
  pollfd wait{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  const int ready = ppoll(&wait, 1, &timeout, nullptr);
  if (ready == 0) {
    usable_ = false;  // the answer may come yet, and would be taken for the next one's
    return absl::DeadlineExceededError("shared memory: no answer within the budget");
  }
  packet_.resize(kMaxLineBytes);
  const ssize_t size =
      recv(connection_.get(), packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size <= 0 || static_cast<size_t>(size) > packet_.size()) return Broken("the line is closed");
  packet_.resize(static_cast<size_t>(size));
  const absl::StatusOr<LineAnswer> answer = DecodeLineAnswer(packet_);
  if (!answer.ok() || answer->number != number_) return Broken("an answer to nothing");
  if (answer->code != 0) {
    return absl::Status(static_cast<absl::StatusCode>(answer->code), ToAbsl(answer->body));
  }
  if (response.ParseFromArray(answer->body.data(), static_cast<int>(answer->body.size()))) {
    return absl::OkStatus();
  }
  return Broken("not a response");
}

bool ShmLine::HasEnded() const {
  pollfd wait{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, 0) == 1;
}

void ShmLine::Interrupt() { shutdown(connection_.get(), SHUT_RDWR); }

absl::Status ShmLine::Broken(const char* what) {
  usable_ = false;
  return absl::AbortedError(absl::StrCat("shared memory: ", what));
}

}  // namespace halflife::client
