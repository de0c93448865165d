#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

struct mg_connection;
struct mg_context;

namespace halflife {

// A small read-only HTTP server for pages about the daemon: GET and HEAD of fixed paths, four
// threads, requests of at most 16 KiB within 5 s, no files, no keep-alive. Not for clients of the
// cache. Thread-safe.
class HttpServer {
 public:
  struct Reply {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Runs on the server's threads, several at a time.
  using Page = std::function<Reply()>;

  struct Options {
    std::string listen;                 // "127.0.0.1:9461", "[::1]:0"
    std::map<std::string, Page> pages;  // by path
  };

  // Returns: kUnavailable if the address cannot be bound, naming the address and the reason.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Options options);
  // Waits for pages under way.
  ~HttpServer();

  // The bound port.
  int port() const;

 private:
  explicit HttpServer(Options options) : options_(std::move(options)) {}
  static int Handle(mg_connection* connection);
  std::string ListeningAddress() const;
  Reply Answer(const std::string& method, const std::string& path) const;

  const Options options_;
  mg_context* context_ = nullptr;
};

}  // namespace halflife
