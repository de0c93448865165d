#pragma once

namespace halflife::client {

// Makes the C library keep freed blocks of up to 8 MiB instead of giving their pages back to the
// kernel at once. gRPC receives into memory that it allocates and frees for each message: with
// glibc's first thresholds (128 KiB) every second page of a received block is a page fault, which
// took half of the time of a Get (bench/README.md).
//
// It does what any program does to glibc that once frees a block of 8 MiB: the thresholds follow
// by themselves (mallopt(3), M_MMAP_THRESHOLD), unless the process has set them, which then holds.
// An arena keeps 16 MiB of freed memory at most because of it. No effect on other allocators.
// Thread-safe; once per process.
void KeepFreedMemory();

}  // namespace halflife::client
