#include "client/src/freed_memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>

namespace halflife::client {
namespace {

size_t MappedBytes() { return mallinfo2().hblkhd; }

TEST(FreedMemory, WhatGrpcReadsAMessageIntoIsNoMappingOfItsOwn) {
  KeepFreedMemory();
  const size_t before = MappedBytes();

  void* volatile slice = std::malloc(size_t{4} << 20);

  EXPECT_EQ(MappedBytes(), before);
  std::free(slice);
}

}  // namespace
}  // namespace halflife::client
