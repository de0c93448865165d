#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "client/include/halflife/client.h"

namespace halflife::client {

// How long a Get may take: its own budget, or that of the options for so many blocks.
inline absl::Duration BudgetOf(const Options& options, std::chrono::microseconds own, size_t items,
                               uint64_t block_bytes) {
  if (own.count() > 0) return absl::FromChrono(own);
  const double mib = static_cast<double>(items) * static_cast<double>(block_bytes) / (1 << 20);
  return absl::FromChrono(options.get_budget +
                          std::chrono::microseconds(static_cast<int64_t>(
                              mib * static_cast<double>(options.get_budget_per_mib.count()))));
}

}  // namespace halflife::client
