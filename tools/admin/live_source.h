#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "halflife/v1/admin.pb.h"
#include "tools/output/report.h"
#include "tools/trace/lineage.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// What a daemon says of the requests that it samples.
struct LiveSample {
  double rate = 1;  // share of the blocks
  uint64_t requests = 0;
  double window_s = 0;
  uint64_t lookup_blocks = 0;  // all that were looked up in that time, sampled or not
  uint64_t hit_blocks = 0;
  uint64_t block_bytes = 0;  // mean of one block, all parts
  uint32_t block_tokens = 0;
  uint64_t capacity_bytes = 0;  // of both tiers

  // Blocks that one block of the trace stands for.
  uint32_t blocks_per_block() const;
  Table AsTable() const;
};

// The look-ups that a daemon sampled lately, as a trace. Only a hash sample of the blocks is in it:
// each stands for blocks_per_block() and is told with that many times the tokens, so that bytes,
// depths and recompute times come out right and only counts of blocks are smaller. Type, turn and
// stop reason are those of the daemon's category, a turn bucket counts as its first turn, and
// sessions come from how chains extend one another. Not thread-safe.
class LiveSource final : public RequestSource {
 public:
  // Asks the daemon for all of it. Returns: what DaemonConnection::ExportRequests returns;
  // kFailedPrecondition if nothing has been looked up yet.
  static absl::StatusOr<std::unique_ptr<LiveSource>> Open(const std::string& endpoint);
  explicit LiveSource(std::vector<v1::ExportRequestsResponse> messages);

  absl::StatusOr<bool> Next(Request& request) override;
  uint32_t block_tokens() const override;
  double progress() const override;

  const LiveSample& sample() const { return sample_; }

 private:
  // What a category says of its requests.
  struct Attributes {
    std::string type;
    uint32_t turn = 0;
    std::string stop;
  };
  static Attributes AttributesOf(const std::string& category);

  const std::vector<v1::ExportRequestsResponse> messages_;
  std::vector<Attributes> categories_;
  LiveSample sample_;
  Lineage lineage_;
  int message_ = 0;
  int request_ = 0;
  uint64_t read_ = 0;
};

}  // namespace halflife::tools
