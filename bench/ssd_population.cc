#include "bench/ssd_population.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "storage/tiers/slot_flow.h"
#include "storage/tiers/slot_rings.h"

namespace halflife::bench {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "ssd_bench: %s\n", what.c_str());
  std::exit(1);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double Now() { return absl::ToDoubleSeconds(Clock::Real().Now()); }

template <typename T>
T OrFail(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(std::string(value.status().message()));
  return *std::move(value);
}

// Seconds and processor time between two moments.
class Meter {
 public:
  Cost Stop(uint64_t bytes) const {
    return {Now() - began_s_, ProcessCpuSeconds() - began_cpu_s_, bytes};
  }

 private:
  const double began_s_ = Now();
  const double began_cpu_s_ = ProcessCpuSeconds();
};

}  // namespace

double ProcessCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

uint64_t WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  for (uint64_t value = 0; io >> name >> value;) {
    if (name == "write_bytes:") return value;
  }
  Fail("/proc/self/io says nothing");
}

uint64_t BytesUnder(const std::string& path) {
  uint64_t blocks = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) == 0) blocks += static_cast<uint64_t>(info.st_blocks);
  }
  return blocks * 512;
}

SsdPopulation::SsdPopulation(const Options& options) : options_(options) {
  arena_ = OrFail(
      DramArena::Create({.budget_bytes = uint64_t{1} << 30, .huge_pages = options.huge_pages}));
  RocksSsdTier::Options tier;
  tier.directory = options.directory;
  tier.quota_bytes = options.quota_bytes;
  tier.io_uring = options.io_uring;
  tier_ = OrFail(RocksSsdTier::Open(tier, *arena_, Clock::Real()));
  std::vector<BlockBuffer> all;
  const uint64_t wanted = std::max<uint64_t>(4 * options.batch, 64) * options.block_bytes;
  for (uint64_t bytes = 0; bytes < std::min(wanted, uint64_t{768} << 20);
       bytes += options.block_bytes) {
    all.push_back(OrFail(arena_->Allocate(options.block_bytes)));
    std::memset(all.back().bytes().data(), static_cast<int>(all.size()), options.block_bytes);
  }
  for (size_t i = 0; i < all.size(); i += 2) keepers_.push_back(std::move(all[i]));
  // As a daemon's background has done by then.
  while (options.huge_pages && arena_->GatherPages() > 0) continue;
}

SsdWrite SsdPopulation::NextBlock() {
  const uint64_t number = next_number_++;
  BlockIdentity identity;
  for (size_t i = 0; i < 4; ++i) {
    const uint64_t word = (number + i) * 0x9e3779b97f4a7c15;
    std::memcpy(identity.hash.bytes.data() + 8 * i, &word, sizeof word);
  }
  BlockKey key;
  std::memcpy(key.block.data(), identity.hash.bytes.data(), key.block.size());
  BlockBuffer buffer = OrFail(arena_->Allocate(options_.block_bytes));
  std::memcpy(buffer.bytes().data(), &number, sizeof number);
  BlockHeader header;
  header.identity = identity;
  header.payload_bytes = options_.block_bytes;
  header.checksum = PayloadChecksum(identity, buffer.bytes());
  return {key, std::move(buffer).Seal(header), {}};
}

Cost SsdPopulation::Write(size_t count) {
  std::vector<SsdWrite> writes;
  for (size_t i = 0; i < count; ++i) writes.push_back(NextBlock());
  const Meter meter;
  const std::vector<absl::StatusOr<SsdLocation>> written = tier_->Write(writes);
  const Cost cost = meter.Stop(count * options_.block_bytes);
  for (size_t i = 0; i < count; ++i) {
    if (!written[i].ok()) Fail(absl::StrCat("write: ", written[i].status().message()));
    stored_.push_back({writes[i].key, writes[i].block.header().identity, *written[i]});
  }
  return cost;
}

Cost SsdPopulation::Fill() {
  Cost cost;
  while (tier_->FreeBytesFor(options_.block_bytes) >= options_.batch * options_.block_bytes) {
    cost += Write(options_.batch);
    tier_->Step();
  }
  return cost;
}

size_t SsdPopulation::BatchOf(uint64_t left_bytes) const {
  return std::min<size_t>(options_.batch,
                          (left_bytes + options_.block_bytes - 1) / options_.block_bytes);
}

Cost SsdPopulation::Overwrite(uint64_t bytes) {
  Cost cost;
  while (cost.bytes < bytes) {
    const size_t count = BatchOf(bytes - cost.bytes);
    std::vector<SsdErase> victims;
    for (size_t i = 0; i < count; ++i) {
      SsdRead& victim = stored_[random_() % stored_.size()];
      victims.push_back({victim.key, victim.location});
      std::swap(victim, stored_.back());
      stored_.pop_back();
    }
    const Meter meter;
    tier_->Erase(victims);
    cost += meter.Stop(0);
    cost += Write(count);
    tier_->Step();
  }
  return cost;
}

std::vector<SsdRead> SsdPopulation::Pick(size_t count) {
  std::vector<SsdRead> reads;
  for (size_t i = 0; i < count; ++i) reads.push_back(stored_[random_() % stored_.size()]);
  return reads;
}

Cost SsdPopulation::Read(uint64_t bytes) {
  const Meter meter;
  for (uint64_t done = 0; done < bytes;) {
    const std::vector<SsdRead> reads = Pick(BatchOf(bytes - done));
    for (const absl::StatusOr<BlockRef>& block : tier_->Read(reads)) {
      if (!block.ok()) Fail(absl::StrCat("read: ", block.status().message()));
    }
    done += reads.size() * options_.block_bytes;
  }
  return meter.Stop(bytes);
}

Cost SsdPopulation::ReadUnverified(uint64_t bytes) {
  const std::unique_ptr<SlotRings> rings = OrFail(SlotRings::Create(SlotIo::Real(), 1));
  std::vector<std::shared_ptr<const SlotFile>> files(1);
  const auto file_of = [&](uint32_t number) {
    if (number >= files.size()) files.resize(number + 1);
    if (files[number] == nullptr) {
      files[number] = OrFail(SlotFile::Open(
          SlotIo::Real(),
          {options_.directory + "/slots", {number, SlotBytesFor(options_.block_bytes)}, true}));
    }
    return files[number];
  };
  for (const SsdRead& read : stored_) file_of(read.location.file);
  const Meter meter;
  for (uint64_t done = 0; done < bytes;) {
    const std::vector<SsdRead> reads = Pick(BatchOf(bytes - done));
    size_t next = 0;
    const auto start = [&]() -> std::unique_ptr<SlotTransfer> {
      if (next == reads.size()) return nullptr;
      const SsdLocation& location = reads[next++].location;
      auto transfer = std::make_unique<SlotTransfer>(SlotTransfer::Kind::kRead,
                                                     file_of(location.file), location.slot);
      transfer->AddRead(0, OrFail(arena_->Allocate(options_.block_bytes)));
      return transfer;
    };
    const auto done_one = [](std::unique_ptr<SlotTransfer> transfer) {
      if (!transfer->status().ok()) Fail(std::string(transfer->status().message()));
    };
    if (!RunTransfers(*rings, Clock::Real(), {.timeout = absl::Seconds(30)},
                      {.next = start, .done = done_one})) {
      Fail("the device does not answer");
    }
    done += reads.size() * options_.block_bytes;
  }
  return meter.Stop(bytes);
}

}  // namespace halflife::bench
