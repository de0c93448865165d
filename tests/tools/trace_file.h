#pragma once

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tools/trace/trace_reader.h"

namespace halflife::tools {

// A file with a given name and text in a directory of its own, removed with it.
class TraceFile {
 public:
  TraceFile(const std::string& name, std::string_view text) : TraceFile(name) {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }

  // A name where nothing is yet.
  explicit TraceFile(const std::string& name) {
    char directory[] = "/tmp/halflife-tools-XXXXXX";
    directory_ = mkdtemp(directory);
    path_ = directory_ + "/" + name;
  }

  ~TraceFile() {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  const std::string& path() const { return path_; }

  std::string Text() const {
    std::string text;
    std::FILE* file = std::fopen(path_.c_str(), "rb");
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
    std::fclose(file);
    return text;
  }

 private:
  std::string directory_;
  std::string path_;
};

inline std::string Gzip(std::string_view text) {
  TraceFile file("text.gz");
  gzFile out = gzopen(file.path().c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  return file.Text();
}

struct ReadTrace {
  absl::Status status;
  std::vector<Request> requests;
};

inline ReadTrace ReadAll(const std::string& path, const TraceOptions& options = {}) {
  ReadTrace result;
  auto reader = TraceReader::Open(path, options);
  if (!reader.ok()) return {reader.status(), {}};
  Request request;
  for (;;) {
    const auto any = (*reader)->Next(request);
    if (!any.ok()) result.status = any.status();
    if (!any.ok() || !*any) return result;
    result.requests.push_back(request);
  }
}

// The message of what goes wrong, with the file's directory cut off.
inline std::string ErrorOf(const TraceFile& file, const TraceOptions& options = {}) {
  std::string message(ReadAll(file.path(), options).status.message());
  const std::string directory = file.path().substr(0, file.path().rfind('/') + 1);
  for (size_t at; (at = message.find(directory)) != std::string::npos;) {
    message.erase(at, directory.size());
  }
  return message;
}

}  // namespace halflife::tools
