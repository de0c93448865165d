#include "tests/server/node/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

#include "common/file_descriptor.h"

namespace halflife {

HttpAnswer AskHttp(int port, const std::string& method, const std::string& path) {
  const FileDescriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HttpAnswer answer;
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return answer;
  const std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return answer;
  std::string text;
  char piece[4096];
  for (ssize_t size; (size = recv(connection.get(), piece, sizeof piece, 0)) > 0;) {
    text.append(piece, static_cast<size_t>(size));
  }
  const size_t end_of_head = text.find("\r\n\r\n");
  if (end_of_head == std::string::npos) return answer;
  answer.head = text.substr(0, end_of_head);
  answer.body = text.substr(end_of_head + 4);
  answer.status = std::atoi(answer.head.c_str() + answer.head.find(' '));
  return answer;
}

}  // namespace halflife
