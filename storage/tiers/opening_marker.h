#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace halflife {

// Remembers in a small file that a database is being opened, so that a database on which RocksDB
// kills the process (an assert, a fault) is known at the next start. The file holds how many opens
// in a row did not return, and '!' if the thread that opened it is known to have ended the process.
// One thread at a time.
class OpeningMarker {
 public:
  // One death may be a SIGKILL from outside that happened to hit an open. Two in a row are the
  // database's fault.
  static constexpr int kMostDeaths = 2;

  explicit OpeningMarker(std::string path) : path_(std::move(path)) {}
  ~OpeningMarker();
  OpeningMarker(const OpeningMarker&) = delete;
  OpeningMarker& operator=(const OpeningMarker&) = delete;

  struct Record {
    int deaths = 0;          // opens in a row that did not return
    bool own_fault = false;  // the last one by FatalSignalNote

    bool condemned() const { return own_fault || deaths >= kMostDeaths; }
  };
  // Nothing without a file. What does not read as a count is one death.
  Record Read() const;

  // Counts the open that begins now as a death, durably. Returns: kUnavailable if it cannot.
  absl::Status Place();
  // For FatalSignalNote, from Place until Remove; else negative.
  int fd() const { return fd_; }
  // The open returned, or its database is set aside.
  void Remove();

 private:
  void Close();

  const std::string path_;
  int fd_ = -1;
};

}  // namespace halflife
