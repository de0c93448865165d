// A device that does not answer: callers get their answers in time, nothing is used while the
// device may still write to it, memory stays bounded, and all is well again once it answers.
#include <fcntl.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "common/mutex.h"
#include "storage/tiers/slot_flow.h"
#include "storage/tiers/slot_rings.h"
#include "storage/tiers/ssd_context.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kSlotBytes = 20 * 1024;

// Transfers that are begun while it is closed end when it is opened.
class Gate final : public SlotIo {
 public:
  int BeforeTransfer(const SlotBytes& bytes) override {
    MutexLock lock(mutex_);
    while (closed_) opened_.Wait(mutex_);
    return 0;
  }
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  void Open() {
    {
      MutexLock lock(mutex_);
      closed_ = false;
    }
    opened_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar opened_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

class SsdHungDeviceTest : public SsdTest {
 protected:
  SsdHungDeviceTest() {
    ssd_.seams.slot_io = &device_;
    ssd_.options.io_uring = false;  // the gate would stop the caller himself
    ssd_.options.partitions = 1;
  }
  ~SsdHungDeviceTest() override {
    device_.Open();
    ssd_.Close();
  }

  // Stores them while all is well; then the device hangs, and nobody is patient.
  void Hang(const std::vector<TestBlock>& stored) {
    ASSERT_TRUE(ssd_.Open().ok());
    for (const TestBlock& block : stored) ssd_.MustWrite(block);
    ssd_.options.read_timeout = ssd_.options.write_timeout = absl::Milliseconds(10);
    ssd_.Reopen();
    device_.Close();
  }
  // The device answers, and there is time again: this machine may be busy.
  void Mend() {
    device_.Open();
    while (ssd_.tier().stats().stuck_transfers > 0) std::this_thread::yield();
    ssd_.options.read_timeout = ssd_.options.write_timeout = absl::Minutes(1);
  }

  Gate device_;
};

TEST_F(SsdHungDeviceTest, ReadsAreAnsweredAndTheBlocksStay) {
  const std::vector<TestBlock> blocks = {{1, kSlotBytes}, {2, 1 << 20}, {3, 700'000}};
  Hang(blocks);

  for (const absl::StatusOr<BlockRef>& read : ssd_.ReadBatch(blocks)) {
    EXPECT_TRUE(absl::IsUnavailable(read.status())) << read.status();
  }

  const SsdTier::Stats stats = ssd_.tier().stats();
  EXPECT_EQ(stats.timeouts, 1u);
  EXPECT_EQ(stats.stuck_transfers, 3u);
  EXPECT_EQ(stats.queue_depth, 0u);
  EXPECT_EQ(stats.blocks, 3u);
  Mend();
  ssd_.Reopen();
  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
}

TEST_F(SsdHungDeviceTest, MemoryThatTheDeviceMayWriteToStaysTakenUntilItAnswers) {
  const TestBlock block{1, 1 << 20};
  Hang({block});
  ASSERT_EQ(ssd_.arena().stats().allocated_bytes, 0u);

  ASSERT_FALSE(ssd_.Read(block).ok());

  EXPECT_EQ(ssd_.arena().stats().allocated_bytes, uint64_t{1} << 20);
  Mend();
  EXPECT_EQ(ssd_.arena().stats().allocated_bytes, 0u);
}

TEST_F(SsdHungDeviceTest, AfterAFewItIsNotAskedAgainUntilItAnswers) {
  const std::vector<TestBlock> blocks = Blocks(1, 8, 1 << 20);
  Hang(blocks);
  // On a busy machine a read may be given up before its thread began it: that one is not stuck.
  for (size_t i = 0; ssd_.tier().stats().stuck_transfers < SsdContext::kStuckTransfers; ++i) {
    ASSERT_FALSE(ssd_.Read(blocks[i % blocks.size()]).ok());
  }
  const SsdTier::Stats before = ssd_.tier().stats();

  EXPECT_TRUE(absl::IsUnavailable(ssd_.Read(blocks[7]).status()));
  EXPECT_TRUE(absl::IsUnavailable(ssd_.Write({9, kSlotBytes}).status()));

  const SsdTier::Stats after = ssd_.tier().stats();
  EXPECT_EQ(after.timeouts, before.timeouts) << "nobody waited";
  EXPECT_EQ(after.stuck_transfers, before.stuck_transfers);
  EXPECT_EQ(after.partitions_read_only, 0) << "refused, not failed";
  Mend();
  while (ssd_.ReadAll(blocks) < blocks.size()) {  // it is asked again, and may be slow
  }
}

TEST_F(SsdHungDeviceTest, AWriteIsGivenUpAndItsSlotIsNotUsedAgain) {
  const TestBlock before{1, kSlotBytes}, given_up{2, kSlotBytes}, after{3, kSlotBytes};
  Hang({before});
  const uint64_t room = ssd_.tier().FreeBytesFor(kSlotBytes);

  EXPECT_TRUE(absl::IsUnavailable(ssd_.Write(given_up).status()));

  EXPECT_EQ(ssd_.tier().stats().partitions_read_only, 1);
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room - kSlotBytes);
  Mend();
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room - kSlotBytes) << "until a restart";
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.size(), 1u) << "the block that was given up is nowhere";
  ssd_.MustWrite(after);
  EXPECT_EQ(ssd_.ReadAll({before, after}), 2u);
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room - kSlotBytes);
}

// A "slot file" that is a pipe: a read of it ends when the test writes.
class PipeIo final : public SlotIo {
 public:
  PipeIo() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) std::abort();
  }
  ~PipeIo() override { ::close(ends_[1]); }

  int Open(const char* path, int flags, mode_t mode) override { return ends_[0]; }
  int Allocate(int fd, uint64_t bytes) override { return 0; }
  void Answer(size_t bytes) {
    const std::string text(bytes, 'x');
    ASSERT_EQ(::write(ends_[1], text.data(), bytes), static_cast<ssize_t>(bytes));
  }

 private:
  int ends_[2] = {-1, -1};
};

class SlotRingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<SlotRings>> rings = SlotRings::Create(io_, 1);
    if (!rings.ok()) GTEST_SKIP() << rings.status();
    rings_ = *std::move(rings);
    file_ = *SlotFile::Create(io_, {"", {1, 2 * kPageBytes}, false}, 4);
  }

  // One read of one slot.
  bool ReadSlot(absl::Duration timeout = absl::Milliseconds(10)) {
    bool asked = false;
    const auto next = [&]() -> std::unique_ptr<SlotTransfer> {
      if (std::exchange(asked, true)) return nullptr;
      auto transfer = std::make_unique<SlotTransfer>(SlotTransfer::Kind::kRead, file_, 0);
      transfer->AddRead(0, *arena_->Allocate(kPageBytes));
      return transfer;
    };
    return RunTransfers(*rings_, Clock::Real(), {.timeout = timeout},
                        {.next = next, .done = [this](std::unique_ptr<SlotTransfer> transfer) {
                           done_.push_back(transfer->status());
                         }});
  }

  PipeIo io_;
  const std::unique_ptr<DramArena> arena_ =
      *DramArena::Create({.budget_bytes = uint64_t{4} << 20, .huge_pages = false});
  std::shared_ptr<const SlotFile> file_;
  std::unique_ptr<SlotRings> rings_;
  std::vector<absl::Status> done_;
};

TEST_F(SlotRingsTest, ATransferThatIsGivenUpKeepsItsMemoryUntilTheDeviceAnswers) {
  EXPECT_FALSE(ReadSlot());

  EXPECT_EQ(rings_->stuck_count(), 1u);
  EXPECT_EQ(arena_->stats().allocated_bytes, kPageBytes);
  rings_->Reap();
  EXPECT_EQ(rings_->stuck_count(), 1u);
  io_.Answer(2 * kPageBytes);
  while (rings_->stuck_count() > 0) rings_->Reap();
  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
  EXPECT_TRUE(done_.empty()) << "nobody waits for it any more";
}

TEST_F(SlotRingsTest, ALateAnswerIsNotTakenForThatOfTheNextCaller) {
  ASSERT_FALSE(ReadSlot());
  io_.Answer(2 * kPageBytes);

  EXPECT_FALSE(ReadSlot()) << "its own did not come";

  EXPECT_TRUE(done_.empty());
  EXPECT_EQ(rings_->stuck_count(), 1u);
  io_.Answer(2 * kPageBytes);
}

TEST_F(SlotRingsTest, AnAnswerThatStopsInTheMiddleOfAPageIsAFileCutShort) {
  io_.Answer(kPageBytes + 100);

  EXPECT_TRUE(ReadSlot(absl::Minutes(1)));

  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(absl::IsDataLoss(done_[0])) << done_[0];
}

TEST_F(SlotRingsTest, AnAnswerThatStopsAtAPageIsContinued) {
  io_.Answer(kPageBytes);
  ASSERT_FALSE(ReadSlot()) << "waits for the rest";
  io_.Answer(kPageBytes);

  while (rings_->stuck_count() > 0) rings_->Reap();

  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
}

}  // namespace
}  // namespace halflife
