#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "common/hashing.h"

namespace rocksdb {
class DB;
}

namespace halflife::bench {

// The other way to keep blocks on SSD: payload as values of RocksDB's integrated BlobDB. Only to be
// compared with. No WAL, direct I/O, blobs collected as in perf.md's best run (age cut-off .25,
// force 1.0), payload verified by our own checksum and not by RocksDB's.
class BlobStore {
 public:
  explicit BlobStore(const std::string& directory);
  ~BlobStore();

  // Each exits with a message on an error.
  void Put(uint64_t key, absl::Span<const uint8_t> payload, const Digest128& checksum);
  void Erase(uint64_t key);
  // False if it does not verify.
  bool Get(uint64_t key, std::string* payload);
  // Waits until nothing is left to flush.
  void Flush();

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace halflife::bench
