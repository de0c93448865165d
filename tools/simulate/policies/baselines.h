#pragma once

#include <memory>

#include "tools/simulate/cache_setup.h"
#include "tools/simulate/policies/blockwise_cache.h"

namespace halflife::tools {

// Each in a file of its own, which cites the paper.
std::unique_ptr<BlockwiseCache> MakeLruCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeFifoCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeLfuCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeGdfsCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeSieveCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeS3FifoCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeArcCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeLirsCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeWTinyLfuCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeLhdCache(const CacheSetup& setup);
std::unique_ptr<BlockwiseCache> MakeInfiniteCache(const CacheSetup& setup);
// Serves the requests of setup.trace and no others.
std::unique_ptr<SimulatedCache> MakeOptimalCache(const CacheSetup& setup);

}  // namespace halflife::tools
