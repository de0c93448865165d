#pragma once

#include "common/block/block_id.h"
#include "common/block/block_key.h"

namespace halflife {

// One (block, part) by both of its names: what it claims to be, and the key it is stored under. The
// key finds it, the identity proves it.
struct BlockAddress {
  BlockIdentity identity;
  BlockKey key;
};

}  // namespace halflife
