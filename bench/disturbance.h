#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/server_process.h"

namespace halflife::bench {

// What goes on beside a measurement, in a process of its own: a client of a daemon that puts, reads
// or stands still.
enum class Disturbance { kPuts, kSsdReads, kStoppedReaders };

inline constexpr size_t kDisturbanceBlockBytes = size_t{1} << 20;
// DRAM budget of the daemons that are disturbed.
inline constexpr uint64_t kDisturbanceDramBytes = uint64_t{512} << 20;

// The beginning of the command line of such a process: the benchmark's own binary.
inline constexpr char kDisturbanceFlag[] = "--disturbance";

// Starts it against the daemon at `endpoint`; `bytes_per_second` is how fast it puts or reads.
// Returns null, with a message on stderr, if it does not get going.
std::unique_ptr<ServerProcess> StartDisturbance(Disturbance kind, const std::string& endpoint,
                                                uint64_t bytes_per_second,
                                                const std::string& log_path);

// Body of that process: `arguments` are what follows kDisturbanceFlag. Returns its exit code if it
// cannot go on; it is ended by a signal.
int RunDisturbance(const std::vector<std::string>& arguments);

// Puts what kSsdReads reads: three times what DRAM holds, so that most of it is on SSD only.
bool PrepareSsdReads(const std::string& endpoint);

}  // namespace halflife::bench
