#include "storage/tiers/rocks_logger.h"

#include <cstdarg>
#include <cstdio>

#include "common/log.h"
#include "common/strings.h"

namespace halflife {

RocksLogger::RocksLogger(std::string name)
    : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), name_(std::move(name)) {}

void RocksLogger::Logv(const char* format, va_list arguments) {
  Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

void RocksLogger::Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  // HEADER_LEVEL is above FATAL_LEVEL in RocksDB's order, but only dumps the options.
  if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
    return;
  }
  const int line = lines_.fetch_add(1, std::memory_order_relaxed);
  if (line >= kMaxLines) return;
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  const bool error = level >= rocksdb::InfoLogLevel::ERROR_LEVEL;
  Log(error ? Severity::kError : Severity::kWarning, "ssd",
      StrCat(name_, ": rocksdb: ", text, line + 1 == kMaxLines ? " (further lines dropped)" : ""));
}

}  // namespace halflife
