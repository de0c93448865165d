#pragma once

#include <string_view>

namespace halflife {

// Tells the service manager (systemd's Type=notify) about a change of state, for example "READY=1".
// Does nothing without NOTIFY_SOCKET. The protocol is sd_notify(3): one datagram of NAME=value
// lines. Returns false if the message could not be delivered.
bool NotifyServiceManager(std::string_view state);

}  // namespace halflife
