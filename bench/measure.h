#pragma once

#include <cstdint>
#include <vector>

#include "bench/server_process.h"

namespace halflife::bench {

// Median, least and greatest of the rounds.
struct Spread {
  double median = 0, least = 0, greatest = 0;
};
Spread SpreadOf(std::vector<double> values);
// Of the ratios within each round: what disturbs the machine disturbs both sides.
Spread RatioSpread(const std::vector<double>& values, const std::vector<double>& limit);

double Quantile(std::vector<int64_t>& values, double q);

// One row of a table: how its peer is made, and where its server's work can be read.
class Meter {
 public:
  // `server` null: the work is done in this process.
  explicit Meter(const ServerProcess* server) : server_(server) {}
  void Begin();
  // Adds what was used since Begin, per unit of work.
  void End(double units);

  const std::vector<double>& client_cpu_s() const { return client_cpu_s_; }
  const std::vector<double>& server_cpu_s() const { return server_cpu_s_; }
  const std::vector<double>& server_faults() const { return server_faults_; }

 private:
  const ServerProcess* const server_;
  Usage client_before_, server_before_;
  std::vector<double> client_cpu_s_, server_cpu_s_, server_faults_;
};

}  // namespace halflife::bench
