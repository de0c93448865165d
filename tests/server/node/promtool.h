#pragma once

#include <string>

namespace halflife {

// Prometheus' own judge of names, units and help texts. Debian package: prometheus.
bool HavePromtool();
// What `promtool check metrics` complains about in a page; empty if nothing.
std::string PromtoolComplaints(const std::string& page);

}  // namespace halflife
