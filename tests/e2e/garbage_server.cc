#include "tests/e2e/garbage_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "common/check.h"
#include "common/strings.h"

namespace halflife::e2e {
namespace {

// HTTP/2, RFC 9113: frame = 3 bytes length, type, flags, 4 bytes stream, payload.
constexpr size_t kPrefaceBytes = 24;
constexpr size_t kFrameHeadBytes = 9;
enum FrameType : uint8_t { kDataFrame = 0, kHeadersFrame = 1, kSettingsFrame = 4 };
constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

std::string FrameOf(FrameType type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return frame + payload;
}

std::string Noise(size_t bytes) {
  std::string noise(bytes, '\0');
  uint32_t state = 2463534242u;
  for (char& byte : noise) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    byte = static_cast<char>(state);
  }
  return noise;
}

// A peer that went away is no error here.
void Send(int connection, const std::string& bytes) {
  static_cast<void>(send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

std::string_view GarbageModeName(GarbageServer::Mode mode) {
  static constexpr std::string_view kNames[] = {"Http1",      "Random",     "Silent",      "Close",
                                                "BadHeaders", "CutMessage", "WrongMessage"};
  return kNames[static_cast<int>(mode)];
}

GarbageServer::GarbageServer(Mode mode, std::string socket_path)
    : mode_(mode), socket_path_(std::move(socket_path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  HL_CHECK(socket_path_.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_path_.c_str(), socket_path_.size());
  unlink(socket_path_.c_str());
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  HL_CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  HL_CHECK(listen(listener_, 64) == 0);
  stop_event_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Run(); });
}

GarbageServer::~GarbageServer() {
  const uint64_t one = 1;
  HL_CHECK(write(stop_event_, &one, sizeof one) == sizeof one);
  thread_.join();
  for (const auto& [connection, received] : connections_) close(connection);
  close(listener_);
  close(stop_event_);
  unlink(socket_path_.c_str());
}

void GarbageServer::Run() {
  while (true) {
    std::vector<pollfd> waits = {{stop_event_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& [connection, received] : connections_) {
      if (mode_ != Mode::kSilent) waits.push_back({connection, POLLIN, 0});
    }
    poll(waits.data(), waits.size(), -1);
    if (waits[0].revents != 0) return;
    if (waits[1].revents != 0) Accept();
    for (size_t i = 2; i < waits.size(); ++i) {
      if (waits[i].revents == 0 || Serve(waits[i].fd)) continue;
      close(waits[i].fd);
      connections_.erase(waits[i].fd);
    }
  }
}

void GarbageServer::Accept() {
  const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) return;
  if (mode_ == Mode::kClose) {
    close(connection);
    return;
  }
  connections_[connection];
  if (mode_ == Mode::kRandom) Send(connection, Noise(4096));
  if (mode_ >= Mode::kBadHeaders) Send(connection, FrameOf(kSettingsFrame, 0, 0, ""));
}

bool GarbageServer::Serve(int connection) {
  char bytes[64 << 10];
  const ssize_t size = recv(connection, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size <= 0) return false;
  if (mode_ == Mode::kHttp1) {
    Send(connection, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  } else if (mode_ >= Mode::kBadHeaders) {
    std::string& received = connections_[connection];
    received.append(bytes, size);
    AnswerFrames(connection, received);
  }
  return true;
}

void GarbageServer::AnswerFrames(int connection, std::string& received) {
  if (received.rfind("PRI", 0) == 0) {
    if (received.size() < kPrefaceBytes) return;
    received.erase(0, kPrefaceBytes);
  }
  while (received.size() >= kFrameHeadBytes) {
    const auto* const head = reinterpret_cast<const uint8_t*>(received.data());
    const size_t length = head[0] << 16 | head[1] << 8 | head[2];
    if (received.size() < kFrameHeadBytes + length) return;
    const uint8_t type = head[3], flags = head[4];
    const uint32_t stream = head[5] << 24 | head[6] << 16 | head[7] << 8 | head[8];
    received.erase(0, kFrameHeadBytes + length);
    if (type == kSettingsFrame && (flags & kAck) == 0) {
      Send(connection, FrameOf(kSettingsFrame, kAck, 0, ""));
    }
    if (type == kHeadersFrame) Send(connection, AnswerTo(stream));
  }
}

std::string GarbageServer::AnswerTo(uint32_t stream) const {
  // HPACK, RFC 7541: 0x88 is ":status: 200", 0x5f "content-type" with a literal value, 0x00 a
  // literal pair.
  if (mode_ == Mode::kBadHeaders) {
    return FrameOf(kHeadersFrame, kEndHeaders, stream, "\xff\xff\xff\xff\xff\xff\xff");
  }
  const std::string headers = FrameOf(kHeadersFrame, kEndHeaders, stream,
                                      "\x88\x5f\x10"
                                      "application/grpc");
  // gRPC: 0 = not compressed, be32 length, message.
  if (mode_ == Mode::kCutMessage) {
    const std::string head("\0\0\0\1\0", 5);
    return headers + FrameOf(kDataFrame, kEndStream, stream, head + Noise(10));
  }
  const std::string head("\0\0\0\0\x40", 5);
  const std::string trailers = std::string("\0\x0b", 2) +
                               "grpc-status\x01"
                               "0";
  return headers + FrameOf(kDataFrame, 0, stream, head + Noise(64)) +
         FrameOf(kHeadersFrame, kEndHeaders | kEndStream, stream, trailers);
}

}  // namespace halflife::e2e
