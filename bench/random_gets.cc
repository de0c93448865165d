#include "bench/random_gets.h"

#include "bench/measure.h"

namespace halflife::bench {

std::optional<GetSample> RandomGets::Run(Peer& peer, int64_t time_ns) {
  std::vector<int64_t> latencies_ns;
  for (const int64_t begun_ns = NowNs(); NowNs() - begun_ns < time_ns;) {
    const auto call = static_cast<uint32_t>(random_() % (blocks_ / batch_));
    int64_t took_ns = -1;
    if (peer.StartGet(call * batch_, batch_, target_.data())) took_ns = peer.Await();
    if (took_ns < 0) return std::nullopt;
    latencies_ns.push_back(took_ns);
  }
  const uint64_t calls = latencies_ns.size();
  return GetSample{.p50_us = Quantile(latencies_ns, 0.5) * 1e-3,
                   .p99_us = Quantile(latencies_ns, 0.99) * 1e-3,
                   .max_us = Quantile(latencies_ns, 1) * 1e-3,
                   .calls = calls};
}

}  // namespace halflife::bench
