// Which way slot files are read and written: io_uring where it is allowed, threads where not, and
// nobody notices but for stats().
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <thread>

#include "storage/tiers/slot_rings.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

bool IoUringIsAllowedHere() { return SlotRings::Create(SlotIo::Real(), 1).ok(); }

// For the calling thread and those it starts: this system call answers EPERM, as under the profiles
// that container runtimes come with.
bool Forbid(uint32_t system_call) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

class SsdIoUringTest : public SsdTest {
 protected:
  // Writes, moves, reads, erases and comes back, like anywhere else.
  void ExpectEverythingWorks() {
    std::vector<TestBlock> blocks = Blocks(1, 40, 20 * 1024);
    for (const TestBlock& block : Blocks(100, 10, 4096)) blocks.push_back(block);
    for (const TestBlock& block : Blocks(200, 3, 3'000'001)) blocks.push_back(block);
    for (const absl::StatusOr<SsdLocation>& result : ssd_.WriteBatch(blocks)) {
      ASSERT_TRUE(result.ok()) << result.status();
    }
    EXPECT_TRUE(ssd_.Move(blocks[3]).ok());
    ssd_.Erase(blocks[0]);
    ssd_.Erase(blocks[45]);
    EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size() - 2);
    ssd_.Reopen();
    EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size() - 2);
  }

  void ExpectThreadsWhere(uint32_t system_call) {
    std::thread confined([&] {
      if (!Forbid(system_call)) GTEST_SKIP() << "no seccomp here";
      ASSERT_FALSE(IoUringIsAllowedHere());
      ASSERT_TRUE(ssd_.Open().ok());
      EXPECT_FALSE(ssd_.tier().stats().uses_io_uring);
      ExpectEverythingWorks();
      ssd_.Close();
    });
    confined.join();
  }
};

TEST_F(SsdIoUringTest, IsUsedWhereItIsAllowedAndWanted) {
  ASSERT_TRUE(ssd_.Open().ok());

  EXPECT_EQ(ssd_.tier().stats().uses_io_uring, IoUringIsAllowedHere() && !TestsRunWithoutIoUring());

  ExpectEverythingWorks();
}

TEST_F(SsdIoUringTest, ThreadsTakeItsPlaceWhereItsSetUpIsForbidden) {
  ExpectThreadsWhere(__NR_io_uring_setup);
}

TEST_F(SsdIoUringTest, ThreadsTakeItsPlaceWhereOnlyItsUseIsForbidden) {
  ExpectThreadsWhere(__NR_io_uring_enter);
}

TEST_F(SsdIoUringTest, ItCanBeSwitchedOff) {
  ssd_.options.io_uring = false;
  ASSERT_TRUE(ssd_.Open().ok());

  EXPECT_FALSE(ssd_.tier().stats().uses_io_uring);

  ExpectEverythingWorks();
}

}  // namespace
}  // namespace halflife
