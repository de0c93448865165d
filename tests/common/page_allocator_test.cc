#include "common/page_allocator.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

namespace halflife {
namespace {

constexpr size_t kLeast = PageAllocator<uint8_t>::kLeastPagesBytes;
constexpr size_t kPageBytes = 4096;

bool IsMapped(const uint8_t* page) {
  unsigned char resident = 0;
  return mincore(const_cast<uint8_t*>(page), 1, &resident) == 0;
}

TEST(PageAllocator, LargePiecesHaveZeroedPagesOfTheirOwnWhichGoWithThem) {
  for (const size_t size_bytes : {kLeast, kLeast + 1, 8 * kLeast}) {
    uint8_t* const piece = PageAllocator<uint8_t>().allocate(size_bytes);

    EXPECT_EQ(reinterpret_cast<uintptr_t>(piece) % kPageBytes, 0u) << size_bytes;
    EXPECT_EQ(std::vector<uint8_t>(piece, piece + size_bytes), std::vector<uint8_t>(size_bytes));
    std::memset(piece, 1, size_bytes);
    PageAllocator<uint8_t>().deallocate(piece, size_bytes);
    EXPECT_FALSE(IsMapped(piece)) << size_bytes;
    EXPECT_EQ(errno, ENOMEM);
  }
}

TEST(PageAllocator, SmallPiecesAreOfTheHeapAndAligned) {
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  const size_t count = kLeast / sizeof(Line) - 1;

  std::vector<Line*> pieces;
  size_t on_page_start = 0;
  for (int i = 0; i < 16; ++i) {
    pieces.push_back(PageAllocator<Line>().allocate(count));
    on_page_start += reinterpret_cast<uintptr_t>(pieces.back()) % kPageBytes == 0 ? 1 : 0;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pieces.back()) % alignof(Line), 0u);
    std::memset(pieces.back(), 1, count * sizeof(Line));
  }
  for (Line* const piece : pieces) PageAllocator<Line>().deallocate(piece, count);

  EXPECT_LT(on_page_start, pieces.size()) << "a page or two each would be wasted";
}

}  // namespace
}  // namespace halflife
