#include "server/admin/http_server.h"

#include <civetweb.h>

#include <utility>

#include "common/config/settings.h"
#include "common/executor.h"
#include "common/log.h"
#include "common/strings.h"

namespace halflife {
namespace {

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

// Nothing on these pages may be framed, guessed at, cached, or fetch anything.
constexpr const char* kFixedHeaders =
    "Connection: close\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors "
    "'none'\r\n";

int LogCivetMessage(const mg_connection*, const char* message) {
  static RateLimit limit(absl::Seconds(1));
  if (limit.Pass()) Log(Severity::kWarning, "admin", message);
  return 1;  // handled
}

// Opens and closes a connection; a failure is fine.
void Knock(const std::string& address) {
  mg_connection* connection = nullptr;
  char error[64];
  if (const auto parsed = ParseAddress(address); parsed.ok()) {
    connection = mg_connect_client(parsed->host.c_str(), parsed->port, 0, error, sizeof error);
  }
  if (connection != nullptr) mg_close_connection(connection);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  // Once for the life of the process: mg_exit_library would also undo it for another HttpServer.
  static const unsigned initialised = mg_init_library(0);
  (void)initialised;
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(options)));
  mg_callbacks callbacks{};
  callbacks.begin_request = &HttpServer::Handle;
  callbacks.log_message = &LogCivetMessage;
  const char* civet_options[] = {"listening_ports",
                                 server->options_.listen.c_str(),
                                 "num_threads",
                                 "4",
                                 "request_timeout_ms",
                                 "5000",
                                 "max_request_size",
                                 "16384",
                                 "enable_keep_alive",
                                 "no",
                                 "enable_directory_listing",
                                 "no",
                                 nullptr};
  mg_init_data init{&callbacks, server.get(), civet_options};
  unsigned code = 0;
  char text[256] = "";
  mg_error_data error{&code, text, sizeof text};
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) {
    return absl::UnavailableError(StrCat("admin HTTP port: cannot listen on ",
                                         server->options_.listen, ": ",
                                         text[0] == '\0' ? "see the log line before" : text));
  }
  return server;
}

HttpServer::~HttpServer() {
  if (context_ == nullptr) return;
  // civetweb looks at its stop flag when a connection arrives, else every 2 s: knock until it has
  // noticed.
  const std::string address = ListeningAddress();
  PeriodicTask knock("hl-admin-stop", absl::Milliseconds(5), [&address] {
    Knock(address);
    return false;
  });
  mg_stop(context_);
}

std::string HttpServer::ListeningAddress() const {
  return StrCat(options_.listen.substr(0, options_.listen.rfind(':') + 1), port());
}

int HttpServer::port() const {
  mg_server_port port{};
  return mg_get_server_ports(context_, 1, &port) == 1 ? port.port : 0;
}

HttpServer::Reply HttpServer::Answer(const std::string& method, const std::string& path) const {
  if (method != "GET" && method != "HEAD") return {.status = 405, .body = "only GET and HEAD\n"};
  const auto page = options_.pages.find(path);
  if (page == options_.pages.end()) {
    std::string known;
    for (const auto& [name, unused] : options_.pages) known += name + "\n";
    return {.status = 404, .body = StrCat("no such page; there are:\n", known)};
  }
  return page->second();
}

int HttpServer::Handle(mg_connection* connection) {
  const mg_request_info* request = mg_get_request_info(connection);
  const auto* server = static_cast<const HttpServer*>(mg_get_user_data(mg_get_context(connection)));
  const Reply reply = server->Answer(request->request_method, request->local_uri);
  const std::string head =
      StrCat("HTTP/1.1 ", reply.status, " ", ReasonOf(reply.status),
             "\r\nContent-Type: ", reply.content_type, "\r\nContent-Length: ", reply.body.size(),
             "\r\n", reply.status == 405 ? "Allow: GET, HEAD\r\n" : "", kFixedHeaders, "\r\n");
  mg_write(connection, head.data(), head.size());
  if (std::string_view(request->request_method) != "HEAD") {
    mg_write(connection, reply.body.data(), reply.body.size());
  }
  return reply.status;  // not 0: handled
}

}  // namespace halflife
