#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace halflife {

// For what is large and many: pieces of two pages and more have pages of their own, which exist
// once they are touched and go back to the system when the piece goes. From the heap, among the
// buffers of requests, they would leave holes between them that are too small for the next one: 8 %
// of the anonymous memory of a daemon with a million blocks; and a third of that if tables were of
// the heap until they have grown to 64 KiB. Smaller pieces are, as they would waste most of a page.
template <typename T>
struct PageAllocator {
  using value_type = T;
  static constexpr size_t kLeastPagesBytes = size_t{8} << 10;
  static_assert(alignof(T) <= 4096);

  PageAllocator() = default;
  template <typename U>
  explicit PageAllocator(const PageAllocator<U>&) {}

  T* allocate(size_t count) {
    const size_t size_bytes = count * sizeof(T);
    if (size_bytes < kLeastPagesBytes) {
      return static_cast<T*>(::operator new(size_bytes, std::align_val_t(alignof(T))));
    }
    void* const pages =
        mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(pages);
  }
  void deallocate(T* first, size_t count) {
    const size_t size_bytes = count * sizeof(T);
    if (size_bytes < kLeastPagesBytes) {
      ::operator delete(first, std::align_val_t(alignof(T)));
    } else {
      munmap(first, size_bytes);
    }
  }

  friend bool operator==(const PageAllocator&, const PageAllocator&) { return true; }
};

}  // namespace halflife
