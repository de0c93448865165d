#pragma once

#include <sys/uio.h>

#include <string>
#include <vector>

#include "common/file_descriptor.h"

namespace halflife::bench {

// A connection to "unix:///path" or "host:port" (numeric host); empty if there is none.
FileDescriptor Connect(const std::string& endpoint);
// A listening socket there; a Unix socket's file must not exist.
FileDescriptor Listen(const std::string& endpoint);
// No delay on TCP, and no wait without an end: what says nothing for 10 s is an error.
void TuneStream(int socket);

// All of it, however many calls that takes. False at the end of the stream or an error.
bool SendAll(int socket, std::vector<iovec> pieces);
bool ReceiveAll(int socket, std::vector<iovec> pieces);

}  // namespace halflife::bench
