#include "server/admin/admin_pages.h"

#include "server/admin/metrics_exporter.h"
#include "server/admin/status_page.h"

namespace halflife {
namespace {

HttpServer::Reply Readiness(NodeState state) {
  switch (state) {
    case NodeState::kServing:
      return {.body = "ok\n"};
    case NodeState::kStarting:
      return {.status = 503, .body = "starting\n"};
    case NodeState::kDraining:
      break;
  }
  return {.status = 503, .body = "draining\n"};
}

}  // namespace

std::map<std::string, HttpServer::Page> AdminPages(const CollectNodeFacts& collect,
                                                   std::function<NodeState()> state) {
  const HttpServer::Page status_page = [collect] {
    return HttpServer::Reply{.content_type = "text/html; charset=utf-8",
                             .body = RenderStatusPage(collect())};
  };
  const HttpServer::Page alive = [] { return HttpServer::Reply{.body = "ok\n"}; };
  const HttpServer::Page ready = [state = std::move(state)] { return Readiness(state()); };
  const HttpServer::Page metrics = [exporter = std::make_shared<MetricsExporter>(collect)] {
    return HttpServer::Reply{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .body = exporter->Text()};
  };
  return {{"/", status_page},
          {"/statusz", status_page},
          {"/metrics", metrics},
          {"/healthz", alive},
          {"/readyz", ready}};
}

}  // namespace halflife
