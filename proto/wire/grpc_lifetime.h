#pragma once

namespace halflife {

// Keeps gRPC initialised until the process ends; call it before the first server or channel. Else
// the last of them to go shuts the library down, which in 1.51 waits up to 10 s for its own backup
// poller (seen in Executor::SetThreading): too long for a clean stop or for a host process.
void KeepGrpcInitialised();

}  // namespace halflife
