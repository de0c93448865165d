#include "tests/e2e/torture/campaign.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/killpoint.h"
#include "common/status.h"
#include "tests/e2e/raw_rpc.h"

namespace halflife::e2e {
namespace {

// Once for each database that was hit: a swap hits two, and there may be two before one start.
constexpr int kMostOpeningDeaths = 4;
constexpr absl::Duration kHang = absl::Minutes(1);

// More than both tiers together, so that blocks are demoted and evicted all the time.
Population MakePopulation() {
  return Population({
      {.name = "4KiB", .block_bytes = 4 << 10, .parts = 1, .chains = 400, .depth = 64},
      {.name = "64KiB", .block_bytes = 64 << 10, .parts = 2, .chains = 80, .depth = 16},
      {.name = "256KiB", .block_bytes = 256 << 10, .parts = 1, .chains = 50, .depth = 12},
      {.name = "1MiB", .block_bytes = 1 << 20, .parts = 2, .chains = 12, .depth = 6},
      {.name = "scratch", .block_bytes = 8 << 10, .parts = 1, .chains = 20, .depth = 16},
  });
}

client::Options ClientOptions(const std::string& endpoint, bool verify, bool shared_memory) {
  client::Options options;
  options.endpoint = endpoint;
  // Generous: here wrong bytes are looked for, not late ones, and the machine is overloaded.
  options.lookup_budget = options.get_budget = options.put_budget = std::chrono::seconds(5);
  options.breaker_open_max = std::chrono::milliseconds(500);
  options.verify = verify;
  options.trust_sealed = !verify;
  options.shared_memory = shared_memory ? client::SharedMemory::kAuto : client::SharedMemory::kOff;
  return options;
}

bool DiedByKill(int wait_status) {
  return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
}

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace

Campaign::Campaign(const CampaignOptions& options)
    : options_(options),
      population_(MakePopulation()),
      daemon_({.directory = options.directory}),
      damager_(daemon_.ssd_directory(), options.seed),
      random_(options.seed),
      gate_(options.threads) {
  const int before = options.kills * 2 / 5;
  const int after = options.kills / 10;
  phases_.emplace_back();
  phases_.back().name = "kills";
  phases_.back().kills = before;
  phases_.emplace_back();
  phases_.back().name = "kills and damage";
  phases_.back().kills = options.kills - before - after;
  phases_.back().damages = options.damages;
  phases_.back().hit_ratio_must_hold = false;
  phases_.emplace_back();
  phases_.back().name = "afterwards";
  phases_.back().kills = after;
  counts_ = &phases_.front().counts;
  // Clients that verify, and some that take what the daemon says: its bytes must be right by
  // themselves. Of each kind one over the socket and one over shared memory.
  for (const bool shared_memory : {true, false}) {
    for (const bool verify : {true, false}) {
      clients_.push_back(
          client::Client::Open(ClientOptions(daemon_.endpoint(), verify, shared_memory)));
      HL_CHECK(clients_.back() != nullptr);
    }
  }
  for (int i = 0; i < options.threads; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(Worker::Shared{&gate_, &tracker_, &population_, &counts_},
                                 clients_[i % clients_.size()].get(), options.seed * 1000 + i));
  }
}

Campaign::~Campaign() {
  gate_.Stop();
  for (std::thread& thread : threads_) thread.join();
}

absl::Status Campaign::Run() {
  for (const auto& worker : workers_) {
    threads_.emplace_back([&worker] { worker->Run(); });
  }
  for (Phase& phase : phases_) HL_RETURN_IF_ERROR(RunPhase(phase));
  HL_RETURN_IF_ERROR(StartDaemon({}));
  HL_RETURN_IF_ERROR(WaitForAnAnswer());
  HL_RETURN_IF_ERROR(ReadUntilEnough());
  HL_RETURN_IF_ERROR(LookQuietly());
  return LookAtTheEnd();
}

absl::Status Campaign::RunPhase(Phase& phase) {
  const absl::Duration began = Clock::Real().Now();
  counts_ = &phase.counts;
  int damages_left = phase.damages;
  // A cycle that ends in a clean exit is no kill, and comes on top.
  for (const int target = kills_ + phase.kills; kills_ < target;) {
    const int damages = damages_left / (target - kills_);
    damages_left -= damages;
    if (absl::Status status = RunCycle(phase, damages); !status.ok()) {
      return absl::InternalError(
          StrCat("phase '", phase.name, "', cycle ", cycles_, ": ", ToStd(status.message())));
    }
  }
  phase.lasted = Clock::Real().Now() - began;
  return absl::OkStatus();
}

absl::Status Campaign::RunCycle(Phase& phase, int damages) {
  ++cycles_;
  const Ending ending = NextEnding();
  HL_RETURN_IF_ERROR(StartDaemon(ending));
  const int live_damages = damages / 2;
  if (daemon_.running()) HL_RETURN_IF_ERROR(LetItRun(live_damages));
  if (daemon_.running() && ending.kill_point.empty()) {
    HL_RETURN_IF_ERROR(WaitForAnAnswer());
    if (cycles_ % 5 == 0) HL_RETURN_IF_ERROR(LookQuietly());
  }
  HL_RETURN_IF_ERROR(EndDaemon(ending));
  tracker_.SettleUnknownPuts();
  for (int i = live_damages; i < damages; ++i) damager_.DamageOne();
  return absl::OkStatus();
}

Campaign::Ending Campaign::NextEnding() {
  // Every second run aims at a named instant; each name comes again with another count.
  static constexpr int kNth[] = {1, 5, 2, 20, 3};
  if (cycles_ % 2 == 1) {
    const std::string_view point = kKillPoints[next_point_ % kKillPoints.size()];
    const int nth = kNth[next_point_ / kKillPoints.size() % std::size(kNth)];
    ++next_point_;
    return {.kill_point = StrCat(point, ":", nth), .terminate = point == "drain.middle"};
  }
  return {.kill_point = "", .terminate = cycles_ % 6 == 0};
}

absl::Status Campaign::StartDaemon(const Ending& ending) {
  const absl::Duration began = Clock::Real().Now();
  HL_RETURN_IF_ERROR(daemon_.Launch(ending.kill_point));
  absl::Status ready = daemon_.WaitReady();
  // Where RocksDB is built with asserts, some damage (swapped WALs) kills the process that opens
  // it; the next start sets that database aside.
  for (int i = 0; i < kMostOpeningDeaths && !ready.ok() && DiedOfDamage(); ++i) {
    ++opening_deaths_;
    HL_RETURN_IF_ERROR(daemon_.Launch(ending.kill_point));
    ready = daemon_.WaitReady();
  }
  if (ready.ok()) {
    start_ms_.push_back(Milliseconds(Clock::Real().Now() - began));
    gate_.DaemonIsUp();
    return ready;
  }
  const bool as_ordered =
      !daemon_.running() && !ending.kill_point.empty() && DiedByKill(daemon_.last_exit());
  return as_ordered ? absl::OkStatus() : ready;
}

bool Campaign::DiedOfDamage() {
  if (damager_.counts().empty() || daemon_.running()) return false;
  const int status = daemon_.last_exit();
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

absl::Status Campaign::LetItRun(int live_damages) {
  const double share = 0.3 + 1.4 * static_cast<double>(Below(1000)) / 1000;
  const absl::Duration slice = options_.cycle * share / (live_damages + 1);
  for (int i = 0; i <= live_damages; ++i) {
    if (daemon_.EndsWithin(slice)) break;
    if (i < live_damages) damager_.DamageOne();
  }
  // EndDaemon judges how it ended.
  return absl::OkStatus();
}

absl::Status Campaign::WaitForAnAnswer() {
  const absl::Duration began = Clock::Real().Now();
  const uint64_t before = AnsweredBlocks();
  while (AnsweredBlocks() == before) {
    if (Clock::Real().Now() - began > kHang) {
      return absl::InternalError(
          StrCat("it is ready, but no block was served or stored\n", daemon_.LogTail()));
    }
    if (daemon_.EndsWithin(absl::Milliseconds(1))) return absl::OkStatus();
  }
  answer_ms_.push_back(Milliseconds(Clock::Real().Now() - began));
  return absl::OkStatus();
}

absl::Status Campaign::LookQuietly() {
  if (!gate_.Close(kHang)) return absl::InternalError("a client call hangs");
  const std::string difference = DifferenceAtRest();
  gate_.Open();
  if (!difference.empty()) return absl::InternalError(StrCat("not conserved: ", difference));
  ++conservation_checks_;
  return absl::OkStatus();
}

// What is left must add up, and be right, once the damage has been found.
absl::Status Campaign::LookAtTheEnd() {
  if (!gate_.Close(kHang)) return absl::InternalError("a client call hangs");
  std::string difference = "not asked";
  // A damaged file may be found, and its partition set aside, while we look.
  for (int attempt = 0; attempt < 3 && !difference.empty(); ++attempt) {
    HL_RETURN_IF_ERROR(daemon_.Terminate());
    tracker_.SettleUnknownPuts();
    HL_RETURN_IF_ERROR(daemon_.Start());
    difference = DifferenceAtRest();
  }
  if (!difference.empty()) {
    return absl::InternalError(StrCat("not conserved after a restart: ", difference));
  }
  ++conservation_checks_;
  ReadEverything();
  gate_.Stop();
  return daemon_.Terminate();
}

std::string Campaign::DifferenceAtRest() {
  const auto channel = Connect(daemon_.endpoint());
  const absl::Duration end = Clock::Real().Now() + absl::Seconds(20);
  std::string difference = "not asked";
  // Leases that were given back a moment ago and background work may still be on their way.
  while (!difference.empty() && Clock::Real().Now() < end) {
    difference = ConservationDifference(channel);
    if (!difference.empty() && daemon_.EndsWithin(absl::Milliseconds(100))) break;
  }
  return difference;
}

void Campaign::ReadEverything() {
  TrackedClient blocks(clients_.front().get(), &tracker_, &population_);
  for (uint32_t family = 0; family < population_.families().size(); ++family) {
    for (uint32_t chain = 0; chain < population_.family(family).chains; ++chain) {
      const auto read =
          blocks.Get(population_.WholeChain(family, chain), {.order = client::Order::kDescending});
      counts_.load()->checked_blocks += read.right;
      counts_.load()->wrong_blocks += read.wrong;
      counts_.load()->revived_blocks += read.revived;
    }
  }
}

absl::Status Campaign::EndDaemon(const Ending& ending) {
  const bool died_before = daemon_.running() && daemon_.EndsWithin(absl::ZeroDuration());
  if (daemon_.running() && ending.terminate && !died_before) {
    daemon_.Signal(SIGTERM);
    daemon_.EndsWithin(ending.kill_point.empty() ? absl::Milliseconds(Below(200)) : kHang);
  }
  const bool ended_itself = !daemon_.running() || daemon_.EndsWithin(absl::ZeroDuration());
  if (daemon_.running()) daemon_.Kill();
  const int status = daemon_.last_exit();
  if (ended_itself && DiedByKill(status) && !ending.kill_point.empty()) {
    ++kills_;
    ++kills_by_point_[ending.kill_point.substr(0, ending.kill_point.find(':'))];
    return absl::OkStatus();
  }
  if (DiedByKill(status) && !died_before) {
    ++kills_;
    ++kills_by_point_[ending.terminate ? "(while draining)" : "(random)"];
    return absl::OkStatus();
  }
  // A clean exit after SIGTERM, before the kill came, is fine as well.
  if (ending.terminate && !died_before && status == 0) {
    ++kills_by_point_[std::string(kCleanExit)];
    return absl::OkStatus();
  }
  return absl::InternalError(
      StrCat("it ended by itself with ", DescribeExit(status), "\n", daemon_.LogTail()));
}

absl::Status Campaign::ReadUntilEnough() {
  const absl::Duration end = Clock::Real().Now() + absl::Minutes(3);
  while (CheckedBlocks() < options_.reads && Clock::Real().Now() < end) {
    if (daemon_.EndsWithin(absl::Milliseconds(20))) {
      return absl::InternalError(StrCat("it ended by itself\n", daemon_.LogTail()));
    }
  }
  return absl::OkStatus();
}

uint64_t Campaign::AnsweredBlocks() const {
  uint64_t blocks = 0;
  for (const Phase& phase : phases_) {
    blocks += phase.counts.checked_blocks + phase.counts.stored_blocks;
  }
  return blocks;
}

uint64_t Campaign::CheckedBlocks() const {
  uint64_t blocks = 0;
  for (const Phase& phase : phases_) blocks += phase.counts.checked_blocks;
  return blocks;
}

}  // namespace halflife::e2e
