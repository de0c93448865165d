// LocalBlockStore: what callers say of the future of a chain.

#include <algorithm>

#include "common/limits.h"
#include "common/strings.h"
#include "storage/local_block_store.h"

namespace halflife {
namespace {

// Fetched ahead in one call, and calls that do so at a time: requests come first.
constexpr uint32_t kMaxPrefetchBlocks = kMaxTransferBlocks;
constexpr int kMaxPrefetches = 2;

void Clip(HintAnswer* answer, std::string reason) {
  answer->verdict = HintVerdict::kClipped;
  if (answer->reason.empty()) answer->reason = std::move(reason);
}

HintAnswer Refusal(HintVerdict verdict, std::string reason) {
  return {.verdict = verdict, .blocks = 0, .duration = {}, .reason = std::move(reason)};
}

constexpr char kTooMuchWaits[] = "too many touches and hints are waiting";

}  // namespace

HintAnswer BlockStore::Hint(const ChainSlice& /*chain*/, PartRange /*parts*/,
                            const CallerHint& /*hint*/) {
  return Refusal(HintVerdict::kRejected, "this store takes no hints");
}

HintAnswer LocalBlockStore::Hint(const ChainSlice& chain, PartRange parts, const CallerHint& hint) {
  HintAnswer answer;
  if (!policy_->HeedsHints()) {
    answer = Refusal(HintVerdict::kRejected, StrCat("storage.policy ", options_.policy,
                                                    " has no score that a hint could enter"));
  } else if (hint.kind == CallerHint::Kind::kRelease) {
    answer = GiveUp(chain, parts, HintKind::kRelease);
  } else if (hint.kind == CallerHint::Kind::kDemote) {
    answer = GiveUp(chain, parts, HintKind::kDemote);
  } else if (hint.kind == CallerHint::Kind::kPrefetch) {
    answer = Prefetch(chain, parts, hint);
  } else {
    answer = Retain(chain, parts, hint);
  }
  StoreCounters::Add(
      counters_.hints[static_cast<int>(hint.kind)][static_cast<int>(answer.verdict)]);
  return answer;
}

HintAnswer LocalBlockStore::GiveUp(const ChainSlice& chain, PartRange parts, HintKind kind) {
  const auto blocks = static_cast<uint32_t>(chain.hashes.size());
  if (!TellHint(chain, parts, kind, blocks, 0)) {
    return Refusal(HintVerdict::kDeferred, kTooMuchWaits);
  }
  return {.verdict = HintVerdict::kAccepted, .blocks = blocks, .duration = {}, .reason = ""};
}

HintAnswer LocalBlockStore::Retain(const ChainSlice& chain, PartRange parts,
                                   const CallerHint& hint) {
  HintAnswer answer;
  answer.duration = std::min(hint.duration, kMaxRetain);
  if (hint.duration > kMaxRetain) {
    Clip(&answer, StrCat("longer than ", absl::FormatDuration(kMaxRetain)));
  }
  const uint32_t here = ResidencyOf(chain, parts, {}).prefix_blocks;
  if (here == 0) return Refusal(HintVerdict::kRejected, "the first block is not here");
  if (here < chain.hashes.size()) Clip(&answer, "only a part of the chain is here");
  const int64_t now_ns = clock_->NowNanos();
  const int64_t until_ns = now_ns + absl::ToInt64Nanoseconds(answer.duration);
  const uint64_t block_bytes = chain.ns->descriptor.block_bytes * parts.count;
  answer.blocks = retained_.Grant(chain.ns->number, block_bytes, here, now_ns, until_ns);
  if (answer.blocks == 0) {
    return Refusal(HintVerdict::kDeferred, "as much is retained as may be (docs/limits.md)");
  }
  if (answer.blocks < here) Clip(&answer, "as much is retained as may be (docs/limits.md)");
  if (!TellHint(chain, parts, HintKind::kRetain, answer.blocks, until_ns)) {
    retained_.TakeBack(chain.ns->number, block_bytes, answer.blocks, until_ns);
    return Refusal(HintVerdict::kDeferred, kTooMuchWaits);
  }
  return answer;
}

HintAnswer LocalBlockStore::Prefetch(const ChainSlice& chain, PartRange parts,
                                     const CallerHint& hint) {
  HintAnswer answer = Refusal(HintVerdict::kDeferred, "others are being fetched");
  if (prefetches_.fetch_add(1, std::memory_order_relaxed) < kMaxPrefetches) {
    answer = Retain(chain, parts, hint);
    if (answer.blocks > 0) ReadAhead(chain, parts, &answer);
  }
  prefetches_.fetch_sub(1, std::memory_order_relaxed);
  return answer;
}

// The blocks are held while they are read, and rank as retained ones afterwards.
void LocalBlockStore::ReadAhead(const ChainSlice& chain, PartRange parts, HintAnswer* answer) {
  const uint32_t most = std::max<uint32_t>(kMaxPrefetchBlocks / parts.count, 1);
  const uint32_t wanted = std::min(answer->blocks, most);
  absl::Status stopped_by;
  const auto held = ReadPrefix(chain, parts, wanted, &stopped_by);
  const auto read = static_cast<uint32_t>(held.size() / parts.count);
  if (!stopped_by.ok()) {
    Clip(answer, std::string(ToStd(stopped_by.message())));
  } else if (wanted < answer->blocks) {
    Clip(answer, StrCat("more than ", most, " blocks in a call"));
  }
  answer->blocks = read;
}

bool LocalBlockStore::TellHint(const ChainSlice& chain, PartRange parts, HintKind kind,
                               uint32_t blocks, int64_t until_ns) {
  ChainSlice hinted = chain;
  hinted.hashes = chain.hashes.first(blocks);
  std::vector<BlockKey> keys = KeysToTell(hinted, parts);
  if (keys.empty() && blocks > 0) return false;
  return changes_.PushHint({.now_ns = clock_->NowNanos(),
                            .kind = kind,
                            .chain_blocks = blocks,
                            .keys = std::move(keys),
                            .until_ns = until_ns});
}

}  // namespace halflife
