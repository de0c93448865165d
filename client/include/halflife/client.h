#pragma once

// C++ client of Halflife. C++17, no exceptions across this header, no gRPC and no protobuf in it.
//
// The one rule: a call never fails an inference. A daemon that is absent, dead, slow, draining or
// lying is a miss within the budget. The reason is in Stats and in the outcome, for logs; nobody
// has to handle it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace halflife::client {

using Hash = std::array<uint8_t, 32>;

// Pointer and length, because C++17 has no span.
template <typename T>
struct View {
  const T* data = nullptr;
  size_t size = 0;
  View() = default;
  View(const T* d, size_t n) : data(d), size(n) {}
  View(const std::vector<T>& v) : data(v.data()), size(v.size()) {}  // NOLINT: implicit on purpose
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
  const T& operator[](size_t i) const { return data[i]; }
};

enum class HashScheme : uint8_t { kOpaque = 0, kHalflife = 1, kVllmSha256Cbor = 2, kSglang = 3 };

// What makes blocks interchangeable; any difference is another namespace.
struct Namespace {
  std::string engine, engine_abi, model_name, model_revision, weights_fingerprint, kv_dtype, lora,
      tenant, user_tag;
  uint32_t tokens_per_block = 0;
  uint64_t block_bytes = 0;  // of one part, 4 KiB..128 MiB
  uint32_t parts = 1;
  HashScheme hash_scheme = HashScheme::kHalflife;
  Hash hash_seed{};
};

// Hints about a request; never part of a key.
struct Attributes {
  std::string app;
  uint32_t turn = 0;
  std::string stop_reason, tool;
  uint64_t session = 0;
  std::vector<std::pair<std::string, std::string>> labels;
};

struct Options {
  std::string endpoint = "unix:///run/halflife/halflife.sock";  // or "host:port"
  std::chrono::microseconds lookup_budget{20'000};
  std::chrono::microseconds get_budget{50'000};  // plus get_budget_per_mib for each MiB asked for
  std::chrono::microseconds get_budget_per_mib{2'000};
  std::chrono::microseconds put_budget{1'000'000};
  int breaker_failures = 3;                     // in a row, until the breaker opens
  std::chrono::milliseconds breaker_open{250};  // doubles to breaker_open_max, with jitter
  std::chrono::milliseconds breaker_open_max{5'000};
  bool verify = true;    // checksum of every block before kOk
  int connections = 1;   // channels, used in turn; at most 64
  int max_calls = 4096;  // under way at one time; a further one is unavailable at once
};

enum class Outcome : uint8_t {
  kOk = 0,
  kMiss,         // not there (also: removed under way, did not verify)
  kTimeout,      // the budget ran out
  kUnavailable,  // no connection, breaker open, draining
  kRefused,      // no room, over quota, or a limit (Put only)
  kInvalid,      // the arguments are wrong: a bug of the caller
};
const char* OutcomeName(Outcome outcome);

// A piece of the caller's memory. A block is received into, or sent from, 1..1024 segments in
// order.
struct Segment {
  void* data = nullptr;
  size_t size = 0;
};

class Client;

// An open namespace. Cheap to copy. Valid as long as its client.
class NamespaceHandle {
 public:
  NamespaceHandle() = default;
  explicit operator bool() const { return impl_ != nullptr; }
  const Hash& id() const;
  const Namespace& descriptor() const;
  // Hashes of the full blocks of a prompt, by the namespace's scheme. Empty for kOpaque.
  std::vector<Hash> HashTokens(View<uint32_t> tokens) const;

 private:
  friend class Client;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// A promise that a prefix stays in the daemon's DRAM. Gives itself back on destruction
// (asynchronously).
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();
  explicit operator bool() const { return id_ != 0; }
  uint64_t id() const { return id_; }
  // Blocks promised.
  uint32_t blocks() const { return blocks_; }

 private:
  friend class Client;
  void Reset();
  std::weak_ptr<void> core_;
  uint64_t id_ = 0;
  uint32_t blocks_ = 0;
};

struct LookupRequest {
  NamespaceHandle ns;
  View<Hash> chain;       // either hashes …
  View<uint32_t> tokens;  // … or token ids, hashed by the daemon
  uint32_t first_depth = 0;
  uint32_t group = 0;
  uint16_t part_first = 0;
  uint16_t part_count = 0;  // 0 = all parts
  Attributes attributes;
  bool pin = false;
  std::chrono::milliseconds lease{10'000};
  std::chrono::microseconds budget{0};  // 0 = Options::lookup_budget
};

struct LookupResult {
  struct Run {
    uint32_t first = 0, count = 0;
    bool ssd = false;
  };
  Outcome outcome = Outcome::kUnavailable;
  uint32_t blocks = 0;         // asked for
  uint32_t prefix_blocks = 0;  // leading blocks that are there; 0 unless kOk
  std::vector<Run> runs;
  std::vector<uint8_t> bitmap;  // bit i, LSB first
  std::string miss_reason;      // of the first missing block: "never_seen", "evicted", …
  std::string error;            // why kInvalid, for logs
  Lease lease;
};

// One (block, part) to receive. Filled completely and verified when outcome is kOk; otherwise its
// bytes are unspecified and nobody writes to them after the call has returned or its callback has
// run.
struct GetItem {
  Hash hash{};
  uint16_t part = 0;
  View<Segment> into;                // sizes add up to block_bytes; must live until completion
  Outcome outcome = Outcome::kMiss;  // set by the call
};

enum class Order : uint8_t { kAscending, kDescending };

struct GetRequest {
  NamespaceHandle ns;
  std::vector<GetItem> items;  // consecutive blocks of one chain, at most 128 (block, part) pairs;
                               // parts within a block
  uint32_t first_depth = 0;
  uint32_t group = 0;
  Order order = Order::kAscending;
  const Lease* lease = nullptr;  // optional: get exactly what it promises (items in chain order
                                 // from its first block)
  Attributes attributes;
  std::chrono::microseconds budget{0};
};

struct GetResult {
  Outcome outcome =
      Outcome::kUnavailable;   // kOk if the stream ended well, even if some items missed
  std::vector<GetItem> items;  // as given, outcomes set
  uint32_t ok_items = 0;
  uint32_t prefix_items = 0;  // leading items that are kOk
  std::string error;          // why kInvalid, for logs
};

struct PutItem {
  Hash hash{};
  uint16_t part = 0;
  View<Segment> from;  // sizes add up to block_bytes; must live until completion
  Outcome outcome = Outcome::kRefused;
  bool duplicate = false;  // it was there already: also kOk
};

struct PutRequest {
  NamespaceHandle ns;
  std::vector<PutItem> items;  // consecutive blocks of one chain, parts within a block
  uint32_t first_depth = 0;
  uint32_t group = 0;
  const Hash* parent = nullptr;  // hash of the block before items[0], if first_depth > 0
  Attributes attributes;
  std::chrono::microseconds budget{0};
};

struct PutResult {
  Outcome outcome = Outcome::kUnavailable;
  std::vector<PutItem> items;
  uint32_t stored = 0, duplicates = 0, refused = 0;
  std::string error;  // why kInvalid, for logs
};

// Counters since Open.
struct Stats {
  uint64_t lookups = 0, gets = 0, puts = 0;
  uint64_t timeouts = 0, unavailable = 0, breaker_rejections = 0, breaker_opens = 0;
  uint64_t corrupt_blocks = 0;       // did not verify here: reported as a miss
  uint64_t identity_mismatches = 0;  // wrong length, index or part from the daemon
  uint64_t get_bytes = 0, put_bytes = 0, reconnects = 0;
};

// A connection to one daemon. Thread-safe. In a child process forked after Open every call is
// unavailable at once. Open never waits for the daemon and never fails because
// of it.
class Client {
 public:
  // Null only if options are invalid (`error`, when given, says why). Reads HALFLIFE_DISABLE=1:
  // every call is then a miss at once.
  static std::unique_ptr<Client> Open(Options options, std::string* error = nullptr);
  // Ends every call (kUnavailable); no callback runs later. Not from a callback.
  ~Client();

  // Does not wait: the namespace is opened at the daemon on first use, and again after each restart
  // of it. Empty handle only if the descriptor is invalid.
  NamespaceHandle OpenNamespace(const Namespace& descriptor, std::string* error = nullptr);

  // Blocking. Return within the budget (plus scheduling).
  LookupResult Lookup(const LookupRequest& request);
  GetResult Get(GetRequest request);
  PutResult Put(PutRequest request);

  // Asynchronous: `done` runs exactly once, on a thread of the library, within the budget. It must
  // not block.
  void LookupAsync(LookupRequest request, std::function<void(LookupResult)> done);
  void GetAsync(GetRequest request, std::function<void(GetResult)> done);
  void PutAsync(PutRequest request, std::function<void(PutResult)> done);

  Outcome Renew(Lease& lease, std::chrono::milliseconds length);
  Outcome Touch(const NamespaceHandle& ns, View<Hash> chain, const Attributes& attributes = {});
  // Number of (block, part) pairs dropped; -1 if the daemon did not answer.
  int64_t Delete(const NamespaceHandle& ns, View<Hash> chain);
  int64_t DeleteNamespace(const NamespaceHandle& ns);
  // True if the daemon says it is ready, within `budget`.
  bool Healthy(std::chrono::milliseconds budget);

  // Returns when no call is under way and no caller memory is touched any more. Not from a
  // callback.
  void Drain();
  Stats stats() const;

 private:
  struct Core;
  explicit Client(std::shared_ptr<Core> core);
  LookupResult TakeLease(LookupResult result, uint64_t lease_id, uint32_t blocks) const;
  std::shared_ptr<Core> core_;
};

}  // namespace halflife::client
