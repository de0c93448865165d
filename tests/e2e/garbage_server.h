#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace halflife::e2e {

// Something that listens on a daemon's socket and is no daemon. One thread of its own; ends with
// the object.
class GarbageServer {
 public:
  enum class Mode {
    kHttp1,         // answers as a web server of the old kind
    kRandom,        // sends random bytes at once
    kSilent,        // accepts, and neither reads nor writes
    kClose,         // accepts and hangs up
    kBadHeaders,    // good HTTP/2 until a header block that cannot be decoded
    kCutMessage,    // a gRPC answer that ends in the middle of its message
    kWrongMessage,  // a complete gRPC answer with status 0 whose message is noise
  };

  GarbageServer(Mode mode, std::string socket_path);
  ~GarbageServer();
  GarbageServer(const GarbageServer&) = delete;
  GarbageServer& operator=(const GarbageServer&) = delete;

 private:
  void Run();
  void Accept();
  // False: hang up.
  bool Serve(int connection);
  // Eats the frames that are complete and answers them.
  void AnswerFrames(int connection, std::string& received);
  std::string AnswerTo(uint32_t stream) const;

  const Mode mode_;
  const std::string socket_path_;
  int listener_ = -1;
  int stop_event_ = -1;
  std::map<int, std::string> connections_;  // bytes received and not yet eaten
  std::thread thread_;
};

std::string_view GarbageModeName(GarbageServer::Mode mode);

}  // namespace halflife::e2e
