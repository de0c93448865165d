#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "client/include/halflife/client.h"

namespace halflife::client {

// A private directory with a socket path in it, removed at the end.
class SocketDirectory {
 public:
  SocketDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "hl-client-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~SocketDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path() const { return path_; }
  std::string socket() const { return path_ + "/s"; }
  std::string endpoint() const { return "unix://" + socket(); }

 private:
  std::string path_;
};

inline constexpr uint64_t kSmallBlock = 8192;

inline Namespace SmallNamespace() {
  Namespace ns;
  ns.engine = "test";
  ns.model_name = "model";
  ns.tokens_per_block = 4;
  ns.block_bytes = kSmallBlock;
  return ns;
}

// Distinct hashes: chain `number`, blocks 0 … count - 1.
inline std::vector<Hash> Chain(uint32_t number, uint32_t count) {
  std::vector<Hash> chain(count);
  for (uint32_t i = 0; i < count; ++i) {
    chain[i].fill(0x5a);
    std::memcpy(chain[i].data(), &number, 4);
    std::memcpy(chain[i].data() + 4, &i, 4);
  }
  return chain;
}

// Bytes that depend on hash, part and position, so that no two blocks are alike.
inline std::vector<uint8_t> Payload(const Hash& hash, uint16_t part, uint64_t bytes = kSmallBlock) {
  uint64_t state = part * 0x9e3779b97f4a7c15;
  for (const uint8_t byte : hash) state = (state ^ byte) * 0x100000001b3;
  std::vector<uint8_t> payload(bytes);
  for (uint8_t& byte : payload) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<uint8_t>(state >> 56);
  }
  return payload;
}

// Memory for some (block, part) pairs of a chain, each scattered over `pieces` segments with guard
// bytes between them.
class Buffers {
 public:
  Buffers(std::vector<Hash> chain, uint16_t part_count = 1, uint64_t block_bytes = kSmallBlock,
          size_t pieces = 1)
      : chain_(std::move(chain)), part_count_(part_count), block_bytes_(block_bytes) {
    for (size_t i = 0; i < chain_.size() * part_count; ++i) {
      memory_.push_back(std::vector<uint8_t>(block_bytes + (pieces + 1) * kGuard, kGuardByte));
      std::vector<Segment> segments;
      uint64_t used = 0;
      for (size_t piece = 0; piece < pieces; ++piece) {
        const uint64_t left = block_bytes - used;
        // Uneven lengths, so that no frame boundary meets a segment boundary by chance.
        const uint64_t length =
            piece + 1 == pieces ? left : std::min<uint64_t>(left, block_bytes / pieces + piece % 7);
        segments.push_back({memory_.back().data() + used + (piece + 1) * kGuard, length});
        used += length;
      }
      segments_.push_back(std::move(segments));
    }
  }

  void FillWithPayload() {
    for (size_t i = 0; i < segments_.size(); ++i) {
      const auto payload = Payload(hash(i), part(i), block_bytes_);
      uint64_t used = 0;
      for (const Segment& segment : segments_[i]) {
        std::memcpy(segment.data, payload.data() + used, segment.size);
        used += segment.size;
      }
    }
  }

  // The bytes of item `i`, gathered.
  std::vector<uint8_t> Bytes(size_t i) const {
    std::vector<uint8_t> bytes;
    for (const Segment& segment : segments_[i]) {
      const auto* const data = static_cast<const uint8_t*>(segment.data);
      bytes.insert(bytes.end(), data, data + segment.size);
    }
    return bytes;
  }
  bool HoldsPayload(size_t i) const { return Bytes(i) == Payload(hash(i), part(i), block_bytes_); }

  bool GuardsAreIntact() const {
    for (size_t i = 0; i < segments_.size(); ++i) {
      const uint8_t* next = memory_[i].data();
      for (const Segment& segment : segments_[i]) {
        for (; next < segment.data; ++next) {
          if (*next != kGuardByte) return false;
        }
        next += segment.size;
      }
      for (; next < memory_[i].data() + memory_[i].size(); ++next) {
        if (*next != kGuardByte) return false;
      }
    }
    return true;
  }

  std::vector<GetItem> GetItems() const {
    std::vector<GetItem> items(segments_.size());
    for (size_t i = 0; i < items.size(); ++i) {
      items[i].hash = hash(i);
      items[i].part = part(i);
      items[i].into = segments_[i];
    }
    return items;
  }
  std::vector<PutItem> PutItems() const {
    std::vector<PutItem> items(segments_.size());
    for (size_t i = 0; i < items.size(); ++i) {
      items[i].hash = hash(i);
      items[i].part = part(i);
      items[i].from = segments_[i];
    }
    return items;
  }

  size_t size() const { return segments_.size(); }
  const Hash& hash(size_t i) const { return chain_[i / part_count_]; }
  uint16_t part(size_t i) const { return static_cast<uint16_t>(i % part_count_); }

 private:
  static constexpr size_t kGuard = 16;
  static constexpr uint8_t kGuardByte = 0xee;

  const std::vector<Hash> chain_;
  const uint16_t part_count_;
  const uint64_t block_bytes_;
  std::vector<std::vector<uint8_t>> memory_;
  std::vector<std::vector<Segment>> segments_;
};

inline PutRequest PutOf(const NamespaceHandle& ns, const Buffers& buffers) {
  PutRequest request;
  request.ns = ns;
  request.items = buffers.PutItems();
  return request;
}

inline GetRequest GetOf(const NamespaceHandle& ns, const Buffers& buffers) {
  GetRequest request;
  request.ns = ns;
  request.items = buffers.GetItems();
  return request;
}

inline LookupRequest LookupOf(const NamespaceHandle& ns, const std::vector<Hash>& chain) {
  LookupRequest request;
  request.ns = ns;
  request.chain = chain;
  return request;
}

// Budgets that only a broken client exceeds, for tests that are not about budgets.
inline Options Patient(const std::string& endpoint) {
  Options options;
  options.endpoint = endpoint;
  options.lookup_budget = std::chrono::seconds(20);
  options.get_budget = std::chrono::seconds(20);
  options.put_budget = std::chrono::seconds(20);
  return options;
}

// A patient client whose connection is up. On a busy machine an attempt to connect may take longer
// than it is given, and what is called meanwhile is not served.
inline std::unique_ptr<Client> OpenConnected(const std::string& endpoint) {
  auto client = Client::Open(Patient(endpoint));
  (void)client->Healthy(std::chrono::seconds(20));  // whatever the daemon answers
  return client;
}

}  // namespace halflife::client
