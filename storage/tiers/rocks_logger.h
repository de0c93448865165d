#pragma once

#include <atomic>
#include <string>

#include "rocksdb/env.h"

namespace halflife {

// Sends RocksDB's warnings and errors to the daemon's log. Never RocksDB's own LOG file on the data
// disk: Debian's build has assertions on and aborts the process when that file cannot be written
// (measured: 15 of 15 runs).
//
// At most kMaxLines per opened database: a dying disk must not flood the log. Thread-safe.
class RocksLogger final : public rocksdb::Logger {
 public:
  static constexpr int kMaxLines = 50;

  // `name` starts every line: "partition 3".
  explicit RocksLogger(std::string name);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

 private:
  const std::string name_;
  std::atomic<int> lines_{0};
};

}  // namespace halflife
