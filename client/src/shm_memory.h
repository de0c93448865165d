#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/generation_words.h"
#include "proto/wire/descriptor_passing.h"
#include "proto/wire/shm_handshake.h"

namespace halflife::client {

// Memory of one file descriptor, unmapped when destroyed. Move-only.
class Mapping {
 public:
  enum class Access { kRead, kReadWrite };
  // The file must be as long and sealed against shrinking, so that no other process can make this
  // one fault. Returns: kInvalidArgument if it is not, kResourceExhausted if it cannot be mapped.
  static absl::StatusOr<Mapping> Of(const FileDescriptor& fd, uint64_t size_bytes, Access access);
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~Mapping();

  uint8_t* base() const { return base_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  uint8_t* base_ = nullptr;
  uint64_t size_bytes_ = 0;
};

// What the handshake gave this client: the daemon's arena and generations, to read, and staging
// memory, to write. Calls and views hold it by shared_ptr; it stays mapped until the last one is
// gone, also when the daemon is. Immutable; thread-safe.
class ShmMemory {
 public:
  // Takes the descriptors of a welcome. Returns: kInvalidArgument if they are not what the welcome
  // says, kResourceExhausted if they cannot be mapped.
  static absl::StatusOr<std::shared_ptr<const ShmMemory>> Map(
      const ShmWelcome& welcome, const std::vector<FileDescriptor>& descriptors);

  // For requests.
  const std::string& session() const { return session_; }
  // Null unless the bytes lie within the arena.
  const uint8_t* At(uint64_t offset, uint64_t length) const;
  // See GenerationReader.
  bool Holds(uint64_t offset, uint64_t generation) const {
    return generation_reader_.Holds(offset, generation);
  }
  // Empty if the daemon gave none.
  absl::Span<uint8_t> staging() const { return {staging_.base(), staging_.size_bytes()}; }

 private:
  ShmMemory() = default;

  std::string session_;
  Mapping arena_;
  Mapping generations_;
  Mapping staging_;
  GenerationReader generation_reader_;
};
using ShmMemoryRef = std::shared_ptr<const ShmMemory>;

}  // namespace halflife::client
