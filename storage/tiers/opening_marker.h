#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace halflife {

// Remembers in a small file that a database is being opened, so that a database on which RocksDB
// kills the process (an assert, a fault) is known at the next start. The file holds how many opens
// in a row did not return. One thread at a time.
class OpeningMarker {
 public:
  // One death may be a SIGKILL from outside that happened to hit an open. Two in a row are the
  // database's fault.
  static constexpr int kMostDeaths = 2;

  explicit OpeningMarker(std::string path) : path_(std::move(path)) {}

  // How many opens in a row did not return; 0 without a file. What does not read as a count is one.
  int deaths() const;

  // Counts the open that begins now as a death, durably. Returns: kUnavailable if it cannot.
  absl::Status Place();
  // The open returned, or its database is set aside.
  void Remove();

 private:
  const std::string path_;
};

}  // namespace halflife
