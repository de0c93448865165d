#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/executor.h"
#include "common/mutex.h"

namespace halflife::client {

// Whatever may listen where the daemon should.
enum class Garbage {
  kHttp1Text,    // answers like a web server, then closes
  kRandomBytes,  // without end
  kAcceptThenHang,
  kCloseAtOnce,
  kBadHttp2Frames,    // a true preface and SETTINGS, then frames with absurd lengths and types
  kSettingsThenHang,  // the connection looks ready, nothing is ever answered
  kCutHeaders,        // ready, then half a HEADERS frame and a close
};
inline constexpr Garbage kAllGarbage[] = {
    Garbage::kHttp1Text,   Garbage::kRandomBytes,    Garbage::kAcceptThenHang,
    Garbage::kCloseAtOnce, Garbage::kBadHttp2Frames, Garbage::kSettingsThenHang,
    Garbage::kCutHeaders,
};
std::string GarbageName(Garbage garbage);

// Listens on a Unix socket and answers everybody with garbage, until destroyed.
class GarbagePeer {
 public:
  GarbagePeer(const std::string& socket_path, Garbage garbage);
  ~GarbagePeer();

  int connections() const { return connections_; }

 private:
  void Serve();
  // Returns false when the connection is to be closed.
  bool Answer(int connection, bool first);

  const Garbage garbage_;
  int listener_ = -1;
  int wake_ = -1;  // eventfd
  std::atomic<int> connections_{0};
  std::unique_ptr<ThreadPool> thread_;
};

}  // namespace halflife::client
