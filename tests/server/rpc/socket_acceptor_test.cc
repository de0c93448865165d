#include "server/rpc/socket_acceptor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/mutex.h"
#include "tests/server/rpc/wait_until.h"

namespace halflife {
namespace {

class SocketAcceptorTest : public testing::Test {
 protected:
  SocketAcceptorTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "halflife-acc-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/a.sock";
  }
  ~SocketAcceptorTest() override { std::filesystem::remove_all(directory_); }

  void Start(int max_connections) {
    std::vector<ListenSocket> sockets;
    sockets.push_back(*ListenUnix(path_, false));
    acceptor_ =
        std::make_unique<SocketAcceptor>(std::move(sockets), max_connections, [this](int, int fd) {
          MutexLock lock(mutex_);
          taken_.emplace_back(fd);
        });
  }
  bool Connect(const FileDescriptor& fd) const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path_.c_str(), sizeof name.sun_path - 1);
    return connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  }
  static FileDescriptor NewSocket() {
    return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  void CloseTaken() {
    MutexLock lock(mutex_);
    taken_.clear();
  }

  std::string directory_, path_;
  std::unique_ptr<SocketAcceptor> acceptor_;
  Mutex mutex_;
  std::vector<FileDescriptor> taken_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(SocketAcceptorTest, ConnectionsAboveTheLimitAreClosedAtOnce) {
  Start(2);
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(NewSocket());
    ASSERT_TRUE(Connect(clients.back()));
  }
  WaitUntil([&] { return acceptor_->stats().accepted + acceptor_->stats().refused == 5; }, "five");
  EXPECT_EQ(acceptor_->stats().accepted, 2);
  char byte;
  EXPECT_EQ(recv(clients[4].get(), &byte, 1, 0), 0);  // closed by the other side

  CloseTaken();
  clients.push_back(NewSocket());
  ASSERT_TRUE(Connect(clients.back()));
  WaitUntil([&] { return acceptor_->stats().accepted == 3; }, "room after the others have ended");
}

TEST_F(SocketAcceptorTest, ItOutlivesRunningOutOfDescriptors) {
  Start(8192);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<FileDescriptor> spare, clients;
  for (int i = 0; i < 4; ++i) spare.push_back(NewSocket());
  while (true) {
    clients.push_back(NewSocket());
    if (!clients.back()) break;
  }

  // Nothing is left for the other end of these.
  for (const FileDescriptor& client : spare) ASSERT_TRUE(Connect(client));
  WaitUntil([&] { return acceptor_->stats().refused == 4; }, "refusals");

  clients.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const FileDescriptor later = NewSocket();
  ASSERT_TRUE(Connect(later));
  WaitUntil([&] { return acceptor_->stats().accepted == 1; }, "the next connection");
}

TEST_F(SocketAcceptorTest, AfterStopNobodyCanConnect) {
  Start(8);
  acceptor_->Stop();
  acceptor_->Stop();
  EXPECT_FALSE(Connect(NewSocket()));
}

}  // namespace
}  // namespace halflife
