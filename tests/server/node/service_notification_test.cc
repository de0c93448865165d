#include "server/service_notification.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "common/file_descriptor.h"
#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

class ServiceNotificationTest : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("NOTIFY_SOCKET"); }

  // Listens at `name`, where a leading '@' stands for an abstract socket, and announces it.
  void Listen(const std::string& name) {
    receiver_ = FileDescriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(receiver_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  std::string Received() {
    char text[100];
    const ssize_t size = recv(receiver_.get(), text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
  }

  Scratch scratch_;
  FileDescriptor receiver_;
};

TEST_F(ServiceNotificationTest, ReachesASocketInTheFileSystem) {
  Listen(scratch_ / "notify");

  EXPECT_TRUE(NotifyServiceManager("READY=1\nSTATUS=up"));

  EXPECT_EQ(Received(), "READY=1\nSTATUS=up");
}

TEST_F(ServiceNotificationTest, ReachesAnAbstractSocket) {
  Listen("@halflife-test-" + std::to_string(getpid()));

  EXPECT_TRUE(NotifyServiceManager("STOPPING=1"));

  EXPECT_EQ(Received(), "STOPPING=1");
}

TEST_F(ServiceNotificationTest, WithoutAReceiverItSaysSo) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(NotifyServiceManager("READY=1"));
  setenv("NOTIFY_SOCKET", (scratch_ / "nobody").c_str(), 1);
  EXPECT_FALSE(NotifyServiceManager("READY=1"));
  setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  EXPECT_FALSE(NotifyServiceManager("READY=1"));
}

}  // namespace
}  // namespace halflife
