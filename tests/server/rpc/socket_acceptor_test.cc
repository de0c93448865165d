#include "server/rpc/socket_acceptor.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "common/log.h"
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

  void Start(int max_connections, PeerPolicy peers = PeerPolicy::OwnRootAnd({}, {})) {
    std::vector<ListenSocket> sockets;
    sockets.push_back(*ListenUnix(path_, false));
    acceptor_ = std::make_unique<SocketAcceptor>(
        std::move(sockets),
        SocketAcceptor::Admission{.max_connections = max_connections, .peers = std::move(peers)},
        [this](int, int fd) {
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

TEST_F(SocketAcceptorTest, APeerWhoIsNotAllowedIsClosedCountedAndNamedOnce) {
  const FileDescriptor log(memfd_create("log", MFD_CLOEXEC));
  ConfigureLog({.fd = log.get()});
  Start(8, PeerPolicy{.uids = {geteuid() + 1}, .gids = {}});
  for (int i = 0; i < 3; ++i) {
    const FileDescriptor client = NewSocket();
    ASSERT_TRUE(Connect(client));
    char byte;
    EXPECT_EQ(recv(client.get(), &byte, 1, 0), 0);  // closed by the other side
  }
  ConfigureLog({});

  EXPECT_EQ(acceptor_->stats().forbidden, 3);
  EXPECT_EQ(acceptor_->stats().accepted, 0);
  std::string lines(4096, '\0');
  lines.resize(static_cast<size_t>(pread(log.get(), lines.data(), lines.size(), 0)));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
  EXPECT_NE(lines.find("uid " + std::to_string(geteuid())), std::string::npos) << lines;
  EXPECT_NE(lines.find("server.allowed_uids"), std::string::npos) << lines;
}

TEST_F(SocketAcceptorTest, AUserIsAllowedByUidOrByGroup) {
  const std::vector<PeerPolicy> allowing = {
      PeerPolicy::OwnRootAnd({}, {}), PeerPolicy{.uids = {geteuid() + 1, geteuid()}, .gids = {}},
      PeerPolicy{.uids = {}, .gids = {getegid() + 1, getegid()}}};
  for (const PeerPolicy& policy : allowing) {
    acceptor_.reset();
    std::filesystem::remove(path_);
    Start(8, policy);
    const FileDescriptor client = NewSocket();
    ASSERT_TRUE(Connect(client));

    WaitUntil([&] { return acceptor_->stats().accepted == 1; }, "the connection");
    EXPECT_EQ(acceptor_->stats().forbidden, 0);
  }
}

// Credentials are those of the thread that connects: the raw system calls change only its own.
TEST_F(SocketAcceptorTest, AnotherUserIsRefusedUnlessOneOfItsGroupsIsAllowed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  constexpr gid_t kExtraGroup = 54321;
  constexpr uid_t kNobody = 65534;
  for (const bool allowed : {false, true}) {
    acceptor_.reset();
    std::filesystem::remove(path_);
    Start(8, PeerPolicy::OwnRootAnd(
                 {}, allowed ? std::vector<uint32_t>{kExtraGroup} : std::vector<uint32_t>{}));
    // So that the modes are not what keeps it out.
    ASSERT_EQ(chmod(directory_.c_str(), 0711), 0);
    ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
    const FileDescriptor client = NewSocket();
    bool connected = false;
    std::thread nobody([&] {
      const gid_t groups[] = {kExtraGroup};
      syscall(SYS_setgroups, 1, groups);
      syscall(SYS_setresgid, kNobody, kNobody, kNobody);
      syscall(SYS_setresuid, kNobody, kNobody, kNobody);
      connected = Connect(client);
    });
    nobody.join();
    ASSERT_TRUE(connected);

    WaitUntil([&] { return acceptor_->stats().accepted + acceptor_->stats().forbidden == 1; },
              "the connection");
    EXPECT_EQ(acceptor_->stats().accepted, allowed ? 1 : 0);
  }
}

TEST_F(SocketAcceptorTest, ItOutlivesRunningOutOfDescriptors) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UBSan's check of a vptr needs descriptors of its own, and calls one without bad";
#endif
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
