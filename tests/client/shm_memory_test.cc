#include "client/src/shm_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "common/check.h"

namespace halflife::client {
namespace {

constexpr uint64_t kArenaBytes = 64 << 10;
constexpr uint64_t kWords = 16;

FileDescriptor File(uint64_t size_bytes, int seals = F_SEAL_SHRINK | F_SEAL_GROW) {
  FileDescriptor file(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  HL_CHECK(ftruncate(file.get(), static_cast<off_t>(size_bytes)) == 0);
  HL_CHECK(fcntl(file.get(), F_ADD_SEALS, seals) == 0);
  return file;
}

// What a daemon hands over, with whatever lie a test puts into it.
class ShmMemoryTest : public testing::Test {
 protected:
  ShmMemoryTest() {
    welcome_.arena_bytes = kArenaBytes;
    welcome_.generation_words = kWords;
    welcome_.session.fill(9);
    files_.push_back(File(kArenaBytes));
    files_.push_back(File(GenerationFileBytes(kWords)));
    generations_ = mmap(nullptr, GenerationFileBytes(kWords), PROT_READ | PROT_WRITE, MAP_SHARED,
                        files_[1].get(), 0);
    HL_CHECK(generations_ != MAP_FAILED);
    header_ = new (generations_) GenerationHeader;
    header_->magic = kGenerationMagic;
    header_->word_count = kWords;
  }
  ~ShmMemoryTest() override { munmap(generations_, GenerationFileBytes(kWords)); }

  std::atomic<uint64_t>& WordOf(uint64_t offset) {
    auto* const words = reinterpret_cast<std::atomic<uint64_t>*>(
        static_cast<uint8_t*>(generations_) + kGenerationHeaderBytes);
    return words[GenerationIndex(offset, kWords)];
  }

  ShmWelcome welcome_;
  std::vector<FileDescriptor> files_;
  void* generations_ = nullptr;
  GenerationHeader* header_ = nullptr;
};

TEST_F(ShmMemoryTest, OnlyBytesWithinTheArenaHaveAnAddress) {
  const auto memory = ShmMemory::Map(welcome_, files_);
  ASSERT_TRUE(memory.ok()) << memory.status();

  EXPECT_NE((*memory)->At(0, kArenaBytes), nullptr);
  EXPECT_NE((*memory)->At(kArenaBytes - 4096, 4096), nullptr);
  EXPECT_EQ((*memory)->At(0, kArenaBytes + 1), nullptr);
  EXPECT_EQ((*memory)->At(kArenaBytes - 4095, 4096), nullptr);
  EXPECT_EQ((*memory)->At(UINT64_MAX, 2), nullptr);
  EXPECT_EQ((*memory)->At(UINT64_MAX - 1, UINT64_MAX), nullptr);
  EXPECT_EQ((*memory)->session(), std::string(16, 9));
  EXPECT_TRUE((*memory)->staging().empty());
}

TEST_F(ShmMemoryTest, AGenerationHoldsUntilItsWordIsCountedUpOrTheArenaEnds) {
  const auto memory = ShmMemory::Map(welcome_, files_);
  ASSERT_TRUE(memory.ok()) << memory.status();
  WordOf(8192) = 41;

  EXPECT_TRUE((*memory)->Holds(8192, 41));
  EXPECT_FALSE((*memory)->Holds(8192, 40));
  ++WordOf(8192);
  EXPECT_FALSE((*memory)->Holds(8192, 41));
  EXPECT_TRUE((*memory)->Holds(8192, 42));
  header_->ended = 1;
  EXPECT_FALSE((*memory)->Holds(8192, 42));
}

TEST_F(ShmMemoryTest, AFileThatCouldBecomeShorterIsNotMapped) {
  files_[0] = File(kArenaBytes, F_SEAL_GROW);
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
}

TEST_F(ShmMemoryTest, AFileThatIsTooShortIsNotMapped) {
  welcome_.arena_bytes = kArenaBytes + 4096;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
  welcome_.arena_bytes = kArenaBytes;
  welcome_.generation_words = 1024;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
}

TEST_F(ShmMemoryTest, SomethingThatIsNoMemoryFileIsNotMapped) {
  files_[0] = FileDescriptor(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
}

TEST_F(ShmMemoryTest, GenerationsOfAnotherFormatAreRefused) {
  header_->magic += 1;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
  header_->magic -= 1;
  header_->word_count = kWords / 2;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
}

TEST_F(ShmMemoryTest, MissingAndSurplusDescriptorsAreRefused) {
  welcome_.staging_bytes = 4096;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
  files_.push_back(File(4096));
  EXPECT_TRUE(ShmMemory::Map(welcome_, files_).ok());
  welcome_.staging_bytes = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(ShmMemory::Map(welcome_, files_).status()));
}

}  // namespace
}  // namespace halflife::client
