#pragma once

#include <map>
#include <string>

#include "server/admin/http_server.h"
#include "server/admin/node_facts.h"

namespace halflife {

// The pages of the admin port by path: / and /statusz for people, /metrics for Prometheus, /healthz
// (alive, also while it starts or drains) and /readyz (takes new work) for orchestrators.
std::map<std::string, HttpServer::Page> AdminPages(const CollectNodeFacts& collect,
                                                   std::function<NodeState()> state);

}  // namespace halflife
