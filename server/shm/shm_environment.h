#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"
#include "common/executor.h"
#include "server/rpc/inflight.h"
#include "server/shm/shm_session.h"
#include "storage/block_store.h"

namespace halflife {

// What the calls of the shared-memory service share. Borrows all but the counters; thread-safe.
struct ShmEnvironment {
  ShmEnvironment(BlockStore& block_store, Executor& io_executor, ShmSessions& open_sessions,
                 uint64_t max_read_bytes)
      : store(block_store), io(io_executor), sessions(open_sessions), read_bytes(max_read_bytes) {}

  BlockStore& store;
  Executor& io;
  ShmSessions& sessions;

  InFlight calls;       // under way, beyond their answer
  InFlight read_bytes;  // blocks being read from SSD, before they are under a lease
  std::atomic<bool> draining{false};
  std::atomic<uint64_t> leases{0}, leased_blocks{0}, commits{0}, stored_blocks{0};
  std::atomic<uint64_t> refused_calls{0};
};

}  // namespace halflife
