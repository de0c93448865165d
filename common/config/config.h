#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/log.h"

namespace halflife {

// The values of every setting, typed. Plain facts, without their origins; the table in settings.cc
// says where each comes from, what it means and what its limits are.
struct Config {
  // A value that is to be worked out from the machine.
  static constexpr int64_t kAuto = -1;

  struct Server {
    std::string unix_socket;
    bool shared_memory = true;
    std::string tcp_listen;
    bool insecure_listen = false;
    int64_t io_threads = 0;
    int64_t max_connections = 0;
    std::vector<uint32_t> allowed_uids;
    std::vector<uint32_t> allowed_gids;
    int64_t min_put_bytes_per_s = 0;
    absl::Duration min_put_grace;
    absl::Duration drain_time;
    absl::Duration shutdown_grace;
  } server;

  struct Dram {
    int64_t budget_bytes = kAuto;
    bool huge_pages = false;
    std::string populate;
    int64_t populate_bytes_per_s = 0;
    double free_target_ratio = 0;  // 0: to be worked out
    int64_t max_pinned_bytes = kAuto;
    int64_t max_put_bytes = kAuto;
    absl::Duration put_room_wait;
    std::string namespace_limits;
  } dram;

  struct Ssd {
    std::string directory;
    int64_t quota_bytes = 0;
    bool direct_io = false;
    bool io_uring = false;
    absl::Duration read_timeout;
    int64_t crash_limit = 0;
    int64_t write_budget_bytes_per_day = 0;  // 0 = by the two below
    int64_t drive_bytes = 0;                 // 0 = not said
    double drive_writes_per_day = 0;

    // What a day may see written, however it was said; 0 = no limit.
    uint64_t bytes_per_day() const {
      if (write_budget_bytes_per_day > 0) return static_cast<uint64_t>(write_budget_bytes_per_day);
      return static_cast<uint64_t>(static_cast<double>(drive_bytes) * drive_writes_per_day);
    }
  } ssd;

  std::string policy;
  std::string objective;
  std::string shadow_policies;
  std::string category_pins;
  int64_t max_block_bytes = 0;
  std::string admin_listen;

  enum class LogFormat { kAuto, kText, kJson };
  struct LogSection {
    Severity level = Severity::kInfo;
    LogFormat format = LogFormat::kAuto;
  } log;

  std::string secret_file;
};

}  // namespace halflife
