#include "server/process_lock.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

TEST(ProcessLock, ASecondHolderIsRefusedAndToldThePid) {
  Scratch scratch;
  const auto first = ProcessLock::Acquire(scratch / "LOCK.halflife");
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = ProcessLock::Acquire(scratch / "LOCK.halflife");

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("process " + std::to_string(getpid())));
}

TEST(ProcessLock, EndsWithItsHolderAndLeavesTheFile) {
  Scratch scratch;
  { const auto first = ProcessLock::Acquire(scratch / "LOCK"); }

  EXPECT_TRUE(std::filesystem::exists(scratch / "LOCK"));
  EXPECT_TRUE(ProcessLock::Acquire(scratch / "LOCK").ok());
}

TEST(ProcessLock, APathThatCannotBeOpenedIsUnavailable) {
  Scratch scratch;
  std::filesystem::create_symlink(scratch / "elsewhere", scratch / "LOCK");

  EXPECT_EQ(ProcessLock::Acquire(scratch / "LOCK").status().code(), absl::StatusCode::kUnavailable)
      << "a symbolic link is not followed";
  EXPECT_EQ(ProcessLock::Acquire(scratch / "missing/LOCK").status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(CheckPortIsFree, APortThatSomebodyListensOnIsNamedWithItsHolder) {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // As gRPC does: without the check both would start.
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));

  const absl::Status status = CheckPortIsFree(text);

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(text + ": in use by process " + std::to_string(getpid())));
}

TEST(CheckPortIsFree, AFreePortPassesAndAForeignAddressIsUnavailable) {
  EXPECT_TRUE(CheckPortIsFree("127.0.0.1:0").ok());
  EXPECT_TRUE(CheckPortIsFree("127.0.0.1:0").ok());
  EXPECT_EQ(CheckPortIsFree("192.0.2.1:1").code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace halflife
