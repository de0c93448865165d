#include "tests/client/garbage_peer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "common/check.h"

namespace halflife::client {
namespace {

using std::string_view_literals::operator""sv;

// Frame: length (3 bytes), type, flags, stream (4 bytes).
constexpr std::string_view kSettings = "\0\0\0\x04\0\0\0\0\0"sv;
constexpr std::string_view kBadFrames =
    "\0\0\0\x04\0\0\0\0\0"              // SETTINGS
    "\0\0\x05\x06\0\0\0\0\x01"          // PING of five bytes on a stream
    "\xff\xff\xff\x00\xff\x80\0\0\x01"  // DATA of 16 MiB on a stream nobody opened
    "\0\0\x01\xee\x7f\xff\xff\xff\xff!"sv;
// SETTINGS, then HEADERS on stream 1 that promise 64 bytes and bring four.
constexpr std::string_view kCutHeaders =
    "\0\0\0\x04\0\0\0\0\0\0\0\x40\x01\x04\0\0\0\x01\x88\xff\xff\xff"sv;

void Send(int connection, std::string_view bytes) {
  (void)send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

std::string GarbageName(Garbage garbage) {
  switch (garbage) {
    case Garbage::kHttp1Text:
      return "Http1Text";
    case Garbage::kRandomBytes:
      return "RandomBytes";
    case Garbage::kAcceptThenHang:
      return "AcceptThenHang";
    case Garbage::kCloseAtOnce:
      return "CloseAtOnce";
    case Garbage::kBadHttp2Frames:
      return "BadHttp2Frames";
    case Garbage::kSettingsThenHang:
      return "SettingsThenHang";
    case Garbage::kCutHeaders:
      return "CutHeaders";
  }
  return "Unknown";
}

GarbagePeer::GarbagePeer(const std::string& socket_path, Garbage garbage) : garbage_(garbage) {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  HL_CHECK(socket_path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  HL_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  HL_CHECK(listen(listener_, 64) == 0);
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::make_unique<ThreadPool>(
      ThreadPool::Options{.name = "garbage-peer", .threads = 1, .queue_limit = 1});
  HL_CHECK(thread_->Submit([this] { Serve(); }));
}

GarbagePeer::~GarbagePeer() {
  const uint64_t one = 1;
  HL_CHECK(write(wake_, &one, sizeof one) == sizeof one);
  thread_->Drain();
  close(wake_);
  close(listener_);
}

void GarbagePeer::Serve() {
  std::vector<pollfd> polled = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
  while (true) {
    HL_CHECK(poll(polled.data(), polled.size(), -1) >= 0);
    if (polled[0].revents != 0) break;
    for (size_t i = polled.size() - 1; i >= 2; --i) {
      if (polled[i].revents == 0 || Answer(polled[i].fd, /*first=*/false)) continue;
      close(polled[i].fd);
      polled.erase(polled.begin() + static_cast<ptrdiff_t>(i));
    }
    if (polled[1].revents == 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    ++connections_;
    if (Answer(connection, /*first=*/true)) {
      polled.push_back({connection, POLLIN, 0});
    } else {
      close(connection);
    }
  }
  for (size_t i = 2; i < polled.size(); ++i) close(polled[i].fd);
}

bool GarbagePeer::Answer(int connection, bool first) {
  if (!first) {
    char ignored[4096];
    if (recv(connection, ignored, sizeof ignored, MSG_DONTWAIT) == 0) return false;
  }
  switch (garbage_) {
    case Garbage::kHttp1Text:
      Send(connection, "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n");
      return false;
    case Garbage::kRandomBytes: {
      std::string bytes(1 << 16, '\0');
      uint32_t state = static_cast<uint32_t>(connections_);
      for (char& byte : bytes)
        byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
      Send(connection, bytes);
      return true;
    }
    case Garbage::kAcceptThenHang:
      return true;
    case Garbage::kCloseAtOnce:
      return false;
    case Garbage::kBadHttp2Frames:
      Send(connection, kBadFrames);
      return true;
    case Garbage::kSettingsThenHang:
      if (first) Send(connection, kSettings);
      return true;
    case Garbage::kCutHeaders:
      if (first) Send(connection, kSettings);
      if (!first) Send(connection, kCutHeaders.substr(kSettings.size()));
      return first;
  }
  return false;
}

}  // namespace halflife::client
