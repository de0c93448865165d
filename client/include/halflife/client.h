#pragma once

// C++ client of Halflife. C++17, no exceptions across this header, no gRPC and no protobuf in it.
//
// The one rule: a call never fails an inference. A daemon that is absent, dead, slow, draining or
// lying is a miss within the budget. The reason is in Stats and in the outcome, for logs; nobody
// has to handle it.
//
// A prompt is a chain of block hashes, first block first; a hash names its block and, through its
// parent, the whole prefix. Block and part are the unit of bytes: `parts` ranks each hold one part.

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

// Pointer and length, because C++17 has no span. Owns nothing: never keep one of a temporary.
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

// How block hashes are made from token ids; byte for byte in docs/formats.md.
enum class HashScheme : uint8_t {
  kOpaque = 0,          // the caller brings hashes; lookups by tokens are kInvalid
  kHalflife = 1,        // SHA-256 chain from the namespace's id
  kVllmSha256Cbor = 2,  // vLLM's sha256_cbor; hash_seed is its NONE_HASH
  kSglang = 3,          // SGLang's sha256 chain
};

// What makes blocks interchangeable; any difference is another namespace. Strings have at most
// 1024 bytes of UTF-8; all but model_name may be empty.
struct Namespace {
  std::string engine;      // "vllm", "sglang", "llama.cpp", …
  std::string engine_abi;  // KV layout or state version of the engine
  std::string model_name;  // required
  std::string model_revision;
  std::string weights_fingerprint;  // digest of config and weights
  std::string kv_dtype;             // "bf16", "fp8_e4m3", …
  std::string lora;                 // name@revision
  std::string tenant;               // sharing domain
  std::string user_tag;             // free text that separates namespaces
  uint32_t tokens_per_block = 0;    // at least 1
  uint64_t block_bytes = 0;         // of one part, 4 KiB..256 MiB
  uint32_t parts = 1;               // tensor-parallel ranks a block is cut into, 1..1024
  HashScheme hash_scheme = HashScheme::kHalflife;
  Hash hash_seed{};
};

// Hints about a request; never part of a key. Strings have at most 128 bytes of UTF-8.
struct Attributes {
  std::string app;          // class of application: "chat", "api", "agent", …
  uint32_t turn = 0;        // 1 = first of the session, 0 = unknown
  std::string stop_reason;  // of the previous response
  std::string tool;         // that the request belongs to
  uint64_t session = 0;     // 0 = unknown
  std::vector<std::pair<std::string, std::string>> labels;  // free, at most 8
};

// Whether blocks go through memory that client and daemon share, where both run on one machine as
// the same user. Without it, and whenever something about it is not as it should be, they go over
// the socket: slower, else the same.
enum class SharedMemory : uint8_t {
  kAuto = 0,  // if the endpoint is a Unix socket and the daemon offers it
  kOff,
  kRequired,  // Get, GetView and Put are kUnavailable while there is none (not GetAsync, PutAsync)
};

struct Options {
  std::string endpoint = "unix:///run/halflife/halflife.sock";  // or "host:port"
  std::chrono::microseconds lookup_budget{20'000};
  std::chrono::microseconds get_budget{50'000};  // plus get_budget_per_mib for each MiB asked for
  std::chrono::microseconds get_budget_per_mib{2'000};
  std::chrono::microseconds put_budget{1'000'000};
  // After so many calls in a row that were kTimeout or kUnavailable the breaker opens: calls are
  // kUnavailable at once. After breaker_open one call is let through; each that fails doubles the
  // wait up to breaker_open_max, with jitter. It need not be waited out: meanwhile the client asks
  // the daemon for its health about every 250 ms, and lets a call through as soon as it is ready.
  int breaker_failures = 3;
  std::chrono::milliseconds breaker_open{250};
  std::chrono::milliseconds breaker_open_max{5'000};
  bool verify = true;  // checksum of every block before kOk; without it, only lengths and order
  SharedMemory shared_memory = SharedMemory::kAuto;
  // Memory that the daemon is asked for, to put blocks through; 0 = Put goes over the socket. A
  // block larger than this does, too.
  uint64_t staging_bytes = 8 << 20;
  // With shared memory: takes the daemon's word, given when a block was stored, for its checksum. A
  // Get then reads the bytes once instead of copying and hashing them; they are the same bytes.
  bool trust_sealed = false;
  // Threads that copy one Get out of shared memory, the caller's included; 1..16. Asynchronous
  // calls run on that many threads.
  int copy_threads = 1;
  int connections = 1;   // channels, used in turn; at most 64
  int max_calls = 4096;  // under way at one time; a further one is kUnavailable at once
};

enum class Outcome : uint8_t {
  kOk = 0,
  kMiss,         // not there (also: removed under way, did not verify)
  kTimeout,      // the budget ran out
  kUnavailable,  // no connection, breaker open, daemon overloaded or draining, too many calls
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
  // Hashes of the full blocks of a prompt, by the namespace's scheme; a last partial block has
  // none. Empty for kOpaque. Asks nobody.
  std::vector<Hash> HashTokens(View<uint32_t> tokens) const;

 private:
  friend class Client;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// A promise that a prefix stays in the daemon's DRAM until it runs out. Gives itself back on
// destruction (asynchronously). May outlive the client; the daemon then takes it back itself.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();
  explicit operator bool() const { return id_ != 0; }
  uint64_t id() const { return id_; }
  // Blocks promised: the first ones of the chain that was looked up, perhaps fewer than are there.
  uint32_t blocks() const { return blocks_; }

 private:
  friend class Client;
  void Reset();
  std::weak_ptr<void> core_;
  uint64_t id_ = 0;
  uint32_t blocks_ = 0;
};

// Neither `chain` nor `tokens` is read any more when LookupAsync has returned.
struct LookupRequest {
  NamespaceHandle ns;
  View<Hash> chain;          // either hashes, at most 8192 …
  View<uint32_t> tokens;     // … or token ids of the whole prompt, hashed by the daemon
  uint32_t first_depth = 0;  // of chain[0] in its prompt, in blocks
  uint32_t group = 0;        // KV-cache group of a hybrid model, below 64; else 0
  uint16_t part_first = 0;   // a block is there if these parts of it are
  uint16_t part_count = 0;   // 0 = all parts
  Attributes attributes;
  bool pin = false;  // read the prefix into DRAM and promise it: LookupResult::lease
  std::chrono::milliseconds lease{10'000};  // cut to 30 s
  std::chrono::microseconds budget{0};      // 0 = Options::lookup_budget
};

struct LookupResult {
  // Consecutive blocks that are there, by index in the chain; also behind a hole.
  struct Run {
    uint32_t first = 0, count = 0;
    bool ssd = false;  // one of them or more is not in DRAM
  };
  Outcome outcome = Outcome::kUnavailable;
  uint32_t blocks = 0;         // asked for
  uint32_t prefix_blocks = 0;  // leading blocks that are there; 0 unless kOk
  std::vector<Run> runs;
  std::vector<uint8_t> bitmap;  // bit i, LSB first: block i is there; empty unless kOk
  std::string miss_reason;      // of the first missing block: "never_seen", "evicted", …
  std::string error;            // why kInvalid, for logs
  Lease lease;                  // empty if nothing is promised
};

// Memory of the caller's that the daemon copies blocks to and from by itself: a shared mapping of a
// file in memory (a memfd, a file in /dev/shm). The bytes move once, and on the daemon's processor
// time. Made by Client::RegisterRegion; registered as long as it lives, also across restarts of the
// daemon.
class Region {
 public:
  ~Region();
  // After a Get whose result was not `settled`: true once the daemon writes nothing more of it.
  bool quiet() const;

  struct Impl;

 private:
  friend class Client;
  friend struct RegionAccess;
  explicit Region(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl> impl_;
};

// One (block, part) to receive. Filled completely and verified when outcome is kOk; otherwise its
// bytes are unspecified and nobody writes to them after the call has returned or its callback has
// run.
struct GetItem {
  Hash hash{};
  uint16_t part = 0;
  View<Segment> into;                // sizes add up to block_bytes; list and memory must live
                                     // until the call has returned or its callback has run
  Outcome outcome = Outcome::kMiss;  // set by the call
};

enum class Order : uint8_t { kAscending, kDescending };

struct GetRequest {
  NamespaceHandle ns;
  // Consecutive blocks of one chain, first one first; of each the same consecutive parts, lowest
  // first. At most 128 items.
  std::vector<GetItem> items;
  uint32_t first_depth = 0;  // of items[0] in its prompt, in blocks
  uint32_t group = 0;
  Order order = Order::kAscending;  // ascending ends at the first miss, descending passes over it
  // Optional: get what it promises, items from its first block on and not more of them. Read
  // before GetAsync returns.
  const Lease* lease = nullptr;
  // Optional: all segments lie in it, and the daemon is to write the blocks there itself. Where it
  // cannot (no shared memory, a file with holes), the library does.
  std::shared_ptr<Region> region;
  Attributes attributes;
  std::chrono::microseconds budget{0};  // 0 = get_budget and get_budget_per_mib of Options
};

struct GetResult {
  Outcome outcome =
      Outcome::kUnavailable;   // kOk if the stream ended well, even if some items missed
  std::vector<GetItem> items;  // as given, outcomes set
  uint32_t ok_items = 0;
  uint32_t prefix_items = 0;  // leading items that are kOk
  // False only after kTimeout of a Get into a region: the daemon has not said yet that it is done.
  // It may write to the targets until Region::quiet(), so leave them alone until then.
  bool settled = true;
  std::string error;  // why kInvalid, for logs
};

// A Get that is under way, and that its caller steers: for an engine that computes a prompt from
// the front while its tail is loaded (Order::kDescending). Made by Client::Fetch. Thread-safe, but
// for Wait. To be destroyed before its client; that ends it, too, and waits.
class FetchHandle {
 public:
  ~FetchHandle();
  FetchHandle(const FetchHandle&) = delete;
  FetchHandle& operator=(const FetchHandle&) = delete;

  // Blocks before number `block` of the request are not wanted any more; never taken back. When it
  // has returned, nobody writes to the segments of their items: those that were not kOk stay kMiss.
  void SetFloor(uint32_t block);
  // What is known of an item by now, before the end of the call: kOk, and its bytes may be read, or
  // kMiss. kTimeout: it has not come yet.
  Outcome StateOf(size_t item) const;
  // Nothing more is wanted. What has come stays.
  void Stop();
  // Returns when the call has ended: all is there or below the floor, it was stopped, its budget
  // ran out or it failed. The segments are the caller's again. Once.
  GetResult Wait();

 private:
  friend class Client;
  struct Impl;
  explicit FetchHandle(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct PutItem {
  Hash hash{};
  uint16_t part = 0;
  View<Segment> from;  // sizes add up to block_bytes; list and memory must live, unchanged, until
                       // the call has returned or its callback has run
  Outcome outcome = Outcome::kRefused;  // set by the call
  bool duplicate = false;  // it was there already, perhaps with other bytes, which stay: also kOk
};

struct PutRequest {
  NamespaceHandle ns;
  std::vector<PutItem> items;  // as of GetRequest, at most 128
  uint32_t first_depth = 0;    // of items[0] in its prompt, in blocks
  uint32_t group = 0;
  const Hash* parent = nullptr;  // hash of the block before items[0], if first_depth > 0 and known;
                                 // read before PutAsync returns
  // Optional: all segments lie in it, and the daemon is to read the blocks there itself.
  std::shared_ptr<Region> region;
  Attributes attributes;
  std::chrono::microseconds budget{0};  // 0 = Options::put_budget
};

struct PutResult {
  // kOk if the daemon answered, even if it refused some items. Otherwise none is claimed to be
  // stored, though some may be.
  Outcome outcome = Outcome::kUnavailable;
  std::vector<PutItem> items;                        // as given, outcomes set
  uint32_t stored = 0, duplicates = 0, refused = 0;  // items
  std::string error;                                 // why kInvalid, for logs
};

// A block that is read where it lies: in the daemon's memory, under a lease that its last view
// gives back. Cheap to copy. May outlive the client; then the daemon takes the lease back itself.
// Not in a process forked off later: the memory is not there.
class BlockView {
 public:
  BlockView() = default;
  explicit operator bool() const { return data_ != nullptr; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // False: over the socket, into memory of the view's own.
  bool in_place() const;
  // Ask AFTER the bytes were read or copied: true if all that was read until now was the block. It
  // turns false when the lease has run out (or its client was taken for dead) and the daemon has
  // used the memory for something else; whatever was made of the bytes must then be thrown away.
  bool intact() const;

  struct Source;  // of the library

 private:
  friend class ViewBuilder;
  std::shared_ptr<const Source> source_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  uint64_t offset_ = 0;
  uint64_t generation_ = 0;
};

struct ViewRequest {
  NamespaceHandle ns;
  View<Hash> chain;  // consecutive blocks of one chain, at most 128 (block, part) pairs
  uint32_t first_depth = 0;
  uint32_t group = 0;
  uint16_t part_first = 0;
  uint16_t part_count = 0;  // 0 = all parts
  bool verify = false;      // reads each block once for its checksum, before it is given out
  Attributes attributes;
  std::chrono::milliseconds lease{10'000};  // cut to 30 s
  std::chrono::microseconds budget{0};      // 0 = Options::get_budget
};

struct ViewResult {
  Outcome outcome = Outcome::kUnavailable;
  std::vector<BlockView> views;  // one per (block, part), parts within a block; empty: not there
  uint32_t prefix_views = 0;     // leading ones that are there
  std::string error;             // why kInvalid, for logs
};

// Counters since Open.
struct Stats {
  uint64_t shm_gets = 0, shm_puts = 0;        // calls that went through shared memory
  uint64_t region_gets = 0, region_puts = 0;  // of them, with bytes that the daemon moved
  uint64_t shm_fallbacks = 0;                 // that began there and went over the socket then
  uint64_t lookups = 0, gets = 0, puts = 0;
  uint64_t timeouts = 0, unavailable = 0, breaker_rejections = 0, breaker_opens = 0;
  uint64_t health_probes = 0;             // questions in the background while the breaker was open
  uint64_t corrupt_blocks = 0;            // did not verify here: reported as a miss
  uint64_t identity_mismatches = 0;       // wrong length, index or part from the daemon
  uint64_t get_bytes = 0, put_bytes = 0;  // of items that were kOk; put_bytes without duplicates
  uint64_t reconnects = 0;
};

// What a caller expects of a chain. It enters the chain's score at the daemon, and never pins.
enum class HintKind : uint8_t {
  kRetain,    // somebody comes back to it within `duration`
  kPrefetch,  // as kRetain, and what is on SSD is read into the daemon's memory now
  kDemote,    // nobody for a while (a long tool call): it need not be in memory
  kRelease,   // the session is over; what other chains share stays as it is
};

struct HintRequest {
  NamespaceHandle ns;
  HintKind kind = HintKind::kRetain;
  View<Hash> chain;  // from the head of the prompt to its end, at most 8,192 blocks
  uint32_t group = 0;
  std::chrono::milliseconds duration{60'000};  // kRetain, kPrefetch: up to 1 h
};

struct HintResult {
  Outcome outcome = Outcome::kUnavailable;  // kOk: taken, if only for some blocks; kRefused
  uint32_t blocks = 0;                      // leading blocks that it holds for
  std::chrono::milliseconds duration{0};    // kRetain, kPrefetch: how long
  std::string reason;                       // why refused, or for fewer blocks: for logs
};

// A connection to one daemon. Thread-safe. In a child process forked after Open every call is
// kUnavailable at once.
class Client {
 public:
  // Never waits for the daemon and never fails because of it. Null only if options are invalid
  // (`error`, when given, says why). With HALFLIFE_DISABLE=1 in the environment nothing connects,
  // and every call is kUnavailable at once.
  static std::unique_ptr<Client> Open(Options options, std::string* error = nullptr);
  // Ends every call (kUnavailable); no callback runs later. Not from a callback.
  ~Client();

  // Does not wait: the namespace is opened at the daemon on first use, and again after each restart
  // of it. Empty handle only if the descriptor is invalid (`error`, when given, says why).
  NamespaceHandle OpenNamespace(const Namespace& descriptor, std::string* error = nullptr);

  // Blocking. Return within the budget (plus scheduling).
  LookupResult Lookup(const LookupRequest& request);
  GetResult Get(GetRequest request);
  PutResult Put(PutRequest request);
  // Blocks in place. Where there is no shared memory they are received into memory of the views.
  ViewResult GetView(const ViewRequest& request);

  // Asynchronous: `done` runs exactly once, on a thread of the library, within the budget (plus
  // scheduling). It must not block: no blocking method of a client, but further asynchronous calls.
  void LookupAsync(LookupRequest request, std::function<void(LookupResult)> done);
  void GetAsync(GetRequest request, std::function<void(GetResult)> done);
  void PutAsync(PutRequest request, std::function<void(PutResult)> done);

  // Begins a Get that can be steered, over the socket also where there is shared memory. At most
  // `window` items, 1..128, are on their way at a time: so many come in vain when the floor rises.
  // 0: as many as keep the daemon sending, 4 MiB and at least 8. The request's segments must live
  // until Wait has returned. Never null.
  std::unique_ptr<FetchHandle> Fetch(GetRequest request, uint32_t window = 0);

  // These block, too: Renew, Touch and Hint within lookup_budget (kPrefetch: get_budget), the
  // Deletes within put_budget.
  // To `length` from now, 1 ms..30 s. kMiss: the lease is gone.
  Outcome Renew(Lease& lease, std::chrono::milliseconds length);
  // Tells that blocks were used without a Get, so that they are kept. From the head of the chain.
  Outcome Touch(const NamespaceHandle& ns, View<Hash> chain, const Attributes& attributes = {});
  HintResult Hint(const HintRequest& request);
  // Number of (block, part) pairs dropped; -1 if the daemon did not answer or an argument is wrong.
  int64_t Delete(const NamespaceHandle& ns, View<Hash> chain);
  // Every block of it, and the namespace at the daemon; the handle stays good.
  int64_t DeleteNamespace(const NamespaceHandle& ns);
  // True if the daemon says it is ready, within `budget`. Asks even while the breaker is open.
  bool Healthy(std::chrono::milliseconds budget);

  // True if there is shared memory with the daemon, now or within `budget`. Nobody has to wait for
  // it: calls go over the socket until there is.
  bool AwaitSharedMemory(std::chrono::milliseconds budget);

  // `base` is a shared mapping of `size` bytes of `fd`, from `file_offset` on; `fd` is duplicated.
  // Use the region in GetRequest and PutRequest. Null only if the arguments are wrong (`error`,
  // when given, says why).
  std::shared_ptr<Region> RegisterRegion(void* base, size_t size, int fd, uint64_t file_offset = 0,
                                         std::string* error = nullptr);

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
