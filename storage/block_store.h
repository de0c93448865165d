#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "common/block/namespace_descriptor.h"
#include "common/clock.h"
#include "common/limits.h"
#include "storage/block_explanation.h"
#include "storage/index/block_address.h"
#include "storage/miss_log.h"
#include "storage/residency/live/request_sample.h"
#include "storage/residency/residency_policy.h"
#include "storage/store_stats.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// An open namespace. Immutable; handed out as shared_ptr so that a request keeps it while it runs.
struct Namespace {
  NamespaceId id;
  NamespaceDescriptor descriptor;
  KeyDeriver keys;
  uint32_t number = 0;  // dense
  uint32_t model = 0;   // number of the model's name, below kMaxModels: for counters
};
using NamespaceRef = std::shared_ptr<const Namespace>;

// Models that are counted apart; the last number stands for all that come later. Bounds the series
// of a metrics page.
inline constexpr uint32_t kMaxModels = 16;

// A run of ranks: parts [first, first + count).
struct PartRange {
  uint16_t first = 0;
  uint16_t count = 1;
};

// A stretch of one chain: `hashes` are the blocks at depth first_depth, first_depth + 1, … `parent`
// is the hash of the block before the first one, when the caller knows it and first_depth > 0.
struct ChainSlice {
  NamespaceRef ns;
  uint32_t group = 0;
  uint32_t first_depth = 0;
  std::optional<BlockHash> parent;
  absl::Span<const BlockHash> hashes;
};

enum class MissReason : uint8_t {
  kNone = 0,
  kNeverSeen,
  kEvicted,
  kNotAdmitted,     // its Put found no room, or it was not worth its place in DRAM or on SSD
  kExpired,         // deleted
  kCorrupt,         // it did not verify and was dropped
  kWrongNamespace,  // nothing of the prefix is here, but another namespace of its tenant has it
  kOverQuota,       // its namespace was at its ceiling; or the SSD tier's quota had no room for it
  kUnavailable,     // it had to leave DRAM while the SSD tier took no writes
};
inline constexpr int kMissReasonCount = 9;
std::string_view MissReasonName(MissReason reason);  // "never_seen", …

struct LookupResult {
  struct Run {
    uint32_t first = 0;  // index into the request's hashes
    uint32_t count = 0;
    Tier tier = Tier::kDram;  // the slowest tier that any wanted part of these blocks is in
  };
  uint32_t prefix_blocks = 0;   // leading blocks with all wanted parts resident
  std::vector<Run> runs;        // every resident block, also behind a hole
  std::vector<uint8_t> bitmap;  // bit i (LSB first) = block i resident with all wanted parts
  MissReason miss_reason = MissReason::kNone;  // of the first missing block
};

// What a caller says of the future of a chain (HintKind), or asks to be fetched ahead of its use.
struct CallerHint {
  enum class Kind : uint8_t { kRetain = 0, kPrefetch, kDemote, kRelease };
  Kind kind = Kind::kRetain;
  // Until when somebody is expected: of kRetain and kPrefetch; cut to kMaxRetain.
  absl::Duration duration = kDefaultRetain;
};
inline constexpr int kHintKindCount = 4;
inline constexpr const char* kHintKindNames[kHintKindCount] = {"retain", "prefetch", "demote",
                                                               "release"};

enum class HintVerdict : uint8_t {
  kAccepted = 0,
  kClipped,   // fewer blocks, or for less long, than was asked for
  kDeferred,  // not now: too much is waiting
  kRejected,
};
inline constexpr int kHintVerdictCount = 4;
inline constexpr const char* kHintVerdictNames[kHintVerdictCount] = {"accepted", "clipped",
                                                                     "deferred", "rejected"};

struct HintAnswer {
  HintVerdict verdict = HintVerdict::kAccepted;
  uint32_t blocks = 0;      // leading blocks of the chain that it holds for
  absl::Duration duration;  // of kRetain and kPrefetch
  std::string reason;       // empty if accepted
};

using LeaseId = uint64_t;  // random, 0 = none

struct PinnedLookup {
  LookupResult lookup;
  LeaseId lease = 0;           // 0 if nothing could be pinned
  uint32_t pinned_blocks = 0;  // the prefix that is promised, in DRAM
  absl::Duration lease_duration;
};

enum class PutOutcome : uint8_t {
  kStored = 0,
  kDuplicate,
  kDuplicateOtherBytes,
  kRefusedNoRoom,
  kRefusedNotAdmitted,
  kRefusedChecksum,
  kRefusedOverQuota,
};

// One node's blocks: the seam between the RPC layer and storage, and the only class of storage that
// server uses. Thread-safe. Calls marked [I/O] may block on SSD: run them on the I/O executor; all
// others never block.
class BlockStore {
 public:
  struct Options {
    // Background eviction keeps free, so that a Put finds room at once, what Puts took in so much
    // time lately, and at most this part of the DRAM budget (see TierMigrator::Options).
    double free_target_ratio = 0.04;
    double free_ahead_s = 2;
    uint64_t max_pinned_bytes = 0;  // under leases; 0 = 25 % of the DRAM budget
    uint64_t max_put_bytes = 0;     // in unsealed Put buffers; 0 = 25 % of the DRAM budget
    absl::Duration put_room_wait = absl::Milliseconds(100);
    // See ArenaPopulator; 0 = none.
    uint64_t populate_stock_bytes = 0;
    uint64_t populate_bytes_per_s = uint64_t{256} << 20;
    // Largest part of a block, at most kMaxBlockBytes. Blocks that a restart finds on SSD are
    // served whatever their size.
    uint64_t max_block_bytes = kDefaultMaxBlockBytes;
    // "model", "wa" or "lru"; of "model", what it saves: "hits" or "time" (policy_factory.h).
    std::string policy = "lru";
    std::string objective = "hits";
    // Candidates that only report what they would have hit: ParseShadowPolicies.
    std::string shadow_policies;
    // That may be written to the SSD's device; 0 = no limit.
    uint64_t write_budget_bytes_per_day = 0;
    // Categories that come before those found by themselves, as in category_pins.h.
    std::string category_pins;
    // Floors and ceilings of namespaces in DRAM, as in namespace_limits.h.
    std::string namespace_limits;
    // How often background work looks for something to do when nothing wakes it.
    absl::Duration step_interval = absl::Milliseconds(20);
    // False: no thread of its own. Background work happens in Quiesce() and where a read waits for
    // room.
    bool own_thread = true;
    // How often the report for people is made anew, on a thread of its own.
    absl::Duration report_interval = absl::Seconds(15);

    // Returns: kInvalidArgument naming the field that is out of its bounds.
    absl::Status Validate() const;
  };

  // What the store is built on. `ssd` may be null: DRAM only; it reads into the same arena. Borrows
  // `clock`, which outlives the store.
  struct Tiers {
    std::unique_ptr<DramArena> arena;
    std::unique_ptr<SsdTier> ssd;
    const Clock* clock = &Clock::Real();
  };
  // Reads back what the SSD holds before it returns [I/O].
  static absl::StatusOr<std::unique_ptr<BlockStore>> Open(const Options& options,
                                                          const TenantSecret& secret, Tiers tiers);
  virtual ~BlockStore() = default;

  // --- Namespaces
  // Idempotent. Returns: kInvalidArgument (descriptor, or blocks above max_block_bytes),
  // kResourceExhausted (kMaxNamespaces), kFailedPrecondition (same id, other descriptor). [I/O]
  virtual absl::StatusOr<NamespaceRef> OpenNamespace(const NamespaceDescriptor& descriptor) = 0;
  // nullptr if it is not open: the caller answers FAILED_PRECONDITION.
  virtual NamespaceRef FindNamespace(const NamespaceId& id) const = 0;
  virtual std::vector<NamespaceRef> Namespaces() const = 0;
  // What a namespace under a limit holds in DRAM, and all that share the limit; nullopt without
  // one.
  struct LimitedUse {
    uint64_t bytes = 0;
    NamespaceLimitStats limit;
  };
  virtual std::optional<LimitedUse> UseUnderLimit(const NamespaceRef& ns) const {
    return std::nullopt;
  }

  // --- Reading
  // No I/O, no touch. Counts lookups by tier and miss reason.
  virtual LookupResult Lookup(const ChainSlice& chain, PartRange parts,
                              const RequestAttributes& attributes) = 0;
  // Lookup, then reads SSD blocks of the prefix into DRAM and promises the prefix under a lease; a
  // touch. [I/O]
  virtual PinnedLookup Pin(const ChainSlice& chain, PartRange parts,
                           const RequestAttributes& attributes, absl::Duration lease_duration) = 0;
  virtual absl::Status Release(LeaseId lease) = 0;  // kNotFound
  virtual absl::StatusOr<absl::Duration> Renew(LeaseId lease,
                                               absl::Duration duration) = 0;  // kNotFound
  // The blocks a lease promises, chain order, parts within a block. Returns: kAborted if the lease
  // is gone.
  struct LeasedBlocks {
    NamespaceRef ns;
    PartRange parts;
    std::vector<BlockRef> blocks;  // [block][part]; null: not promised
  };
  virtual absl::StatusOr<LeasedBlocks> Leased(LeaseId lease) = 0;

  // --- Shared memory (store_sharing.cc). A store without an arena to share says kUnimplemented.
  // Promises blocks that the caller holds, for `duration` (cut to kMaxLease) or until `owner` dies.
  // Returns: kResourceExhausted if there are too many leases, or bytes under them.
  virtual absl::StatusOr<LeaseId> Lease(LeasedBlocks blocks, absl::Duration duration,
                                        uint64_t owner);
  // The owner of these leases is gone: at once.
  virtual void ReleaseAllOf(uint64_t owner);
  // What processes of this machine may map; not possible() if nothing can be shared.
  virtual ArenaShare Share() const { return {}; }
  // Where a block lies in it.
  struct SharedPlace {
    uint64_t offset = 0;
    uint64_t generation = 0;
  };
  virtual SharedPlace PlaceOf(const BlockRef& block) const;

  BlockAddress AddressOf(const ChainSlice& chain, uint32_t index, uint16_t part) const;
  // The block if it is in DRAM, else null. Does not touch, no I/O.
  virtual BlockRef FindInDram(const BlockAddress& address) = 0;
  // DRAM, else SSD (verified, promoted). One result per address: kNotFound, kDataLoss, kUnavailable
  // or kResourceExhausted mean a miss. Concurrent reads of one block share one SSD read. [I/O]
  virtual std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const BlockAddress> addresses) = 0;
  // Records that a request used the first `blocks` blocks of the chain. Batched, cheap.
  virtual void Touch(const ChainSlice& chain, uint32_t blocks, PartRange parts,
                     const RequestAttributes& attributes) = 0;
  // Enters the score of these blocks; never a pin. Bounded per namespace. Where the policy has no
  // score that a hint can enter, it is rejected. kPrefetch reads SSD blocks into DRAM: [I/O].
  virtual HintAnswer Hint(const ChainSlice& chain, PartRange parts, const CallerHint& hint);
  // Read outcome of a Get, counted once per request: what was sent, by the tier it came from.
  struct SentBlocks {
    std::array<uint32_t, kTierCount> blocks{};
    std::array<uint64_t, kTierCount> bytes{};
  };
  virtual void CountGet(const NamespaceRef& ns, const RequestAttributes& attributes,
                        const SentBlocks& sent) = 0;

  // --- Writing
  // A writable buffer of ns->descriptor.block_bytes for a block that is not resident yet. Never
  // blocks: `ready` runs at once, or when the background made room, or with kResourceExhausted
  // after put_room_wait. kFailedPrecondition if DRAM is full and the block, as far as its request
  // tells, is worth less than what it would push out. kOutOfRange if its namespace is at its
  // ceiling and nothing of it may go within put_room_wait. kAlreadyExists if the block is in DRAM
  // or on SSD (put-if-absent: nothing to send); kInvalidArgument if blocks of the namespace are
  // above max_block_bytes.
  virtual void AllocateForPut(const NamespaceRef& ns, const BlockAddress& address,
                              std::function<void(absl::StatusOr<BlockBuffer>)> ready) = 0;
  struct PutBlock {
    BlockAddress address;
    BlockKey parent;  // stored key of (parent block, same part); all zero for a first block
    uint32_t depth = 0;
    Digest128 checksum{};  // as declared by the client; verified here over the buffer
    // The same, if the caller has computed it over these bytes while it copied them into the
    // buffer; they are then not read once more.
    std::optional<Digest128> computed = std::nullopt;
    BlockBuffer buffer;
  };
  // Verifies, seals and publishes one block; first writer wins.
  virtual PutOutcome Commit(const NamespaceRef& ns, PutBlock block,
                            const RequestAttributes& attributes) = 0;
  // A block that was refused before its payload was taken: a duplicate, no room, not worth it, or
  // at a ceiling.
  virtual void CountPut(const NamespaceRef& ns, const RequestAttributes& attributes,
                        PutOutcome outcome) = 0;

  // Number of (block, part) pairs that were resident and are gone now.
  // Pinned bytes stay readable to their holders. [I/O]
  virtual uint64_t DeleteChain(const ChainSlice& chain, PartRange parts) = 0;
  virtual uint64_t DeleteNamespace(const NamespaceRef& ns) = 0;

  // --- Life cycle
  // Writes what is worth keeping from DRAM to SSD, at most until `deadline` of the real clock, then
  // stops background work. Called once before destruction at a clean stop. [I/O]
  virtual void Drain(absl::Duration budget) = 0;
  // Runs background steps until nothing is left to do; for tests and for conservation checks. [I/O]
  virtual void Quiesce() = 0;

  virtual StoreStats stats() const = 0;

  // --- For people (store_insight.cc)
  // What the background published last, never null; and: publish now. [I/O]: waits for a background
  // step and computes for up to 100 ms.
  virtual std::shared_ptr<const ResidencyReport> Report() const;
  virtual void RefreshReport() {}
  // One answer per hash. [I/O]: waits for a background step.
  virtual std::vector<BlockExplanation> Explain(const NamespaceRef& ns,
                                                absl::Span<const BlockHash> hashes, uint32_t group,
                                                uint16_t part);
  // The latest first.
  virtual std::vector<RecentMiss> RecentMisses(size_t limit) const { return {}; }
  virtual RequestSample::Snapshot SampledRequests() const { return {}; }

  // Names of categories by number.
  virtual std::vector<std::string> CategoryNames() const = 0;
  // Invariant 4: empty string if bytes(index) = bytes(arena in use) = sum of record lengths, else
  // what differs. Call at a quiet point.
  virtual std::string CheckConservation() const = 0;
};

}  // namespace halflife
