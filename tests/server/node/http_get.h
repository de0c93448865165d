#pragma once

#include <string>

namespace halflife {

// What a server on loopback answered, whole: status line, headers, body.
struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;
};

// Sends `method path` to 127.0.0.1:`port`. Status 0 if nothing came back.
HttpAnswer AskHttp(int port, const std::string& method, const std::string& path);
inline HttpAnswer GetHttp(int port, const std::string& path) { return AskHttp(port, "GET", path); }

}  // namespace halflife
