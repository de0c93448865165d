#pragma once

#include <string>
#include <vector>

#include "tests/e2e/torture/campaign.h"

namespace halflife::e2e {

// What a campaign must show, beside that it ran to its end.
struct Floors {
  uint64_t checked_reads = 0;
  double hit_ratio = 0;         // of requests, where no file was damaged: always-miss cannot pass
  double read_back_ratio = 0;   // of blocks stored a moment ago, where no file was damaged
  double named_kill_share = 0;  // of kills, at named kill points
  double lease_ratio = 0;       // of blocks promised under a lease, in every phase
};

// The summary for people.
std::string SummaryOf(const Campaign& campaign);

// One sentence for each thing that must hold and does not.
std::vector<std::string> Failures(const Campaign& campaign, const Floors& floors);

}  // namespace halflife::e2e
