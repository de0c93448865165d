#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/file_damager.h"
#include "tests/e2e/torture/worker.h"

namespace halflife::e2e {

// What kills_by_point() calls a run that ended with exit code 0 before the kill came.
inline constexpr std::string_view kCleanExit = "(clean exit)";

struct CampaignOptions {
  std::string directory;  // exists and is empty
  int kills = 50;
  int damages = 500;
  uint64_t reads = 100'000;  // checked (block, part) reads, at least
  int threads = 4;
  uint64_t seed = 1;
  absl::Duration cycle = absl::Milliseconds(1200);  // mean time from a start to the next kill
};

// A part of a campaign with its own counts: so many kills, so many damages between and during them.
struct Phase {
  std::string name;
  int kills = 0;
  int damages = 0;
  bool hit_ratio_must_hold = true;  // files are as the daemon left them
  Counts counts;
  absl::Duration lasted;
};

// Many clients against one daemon that is killed at random and at named instants, whose files are
// damaged, and that is started again each time; until every kill and damage is spent and enough
// reads were checked. Run from the main thread, once.
class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options);
  ~Campaign();

  // Returns: kInternal, with the reason, as soon as the daemon misbehaves: a crash, a hang, a
  // failed start, bytes that do not add up. Wrong bytes are counted, and are the caller's to judge.
  absl::Status Run();

  // What happened; after Run.
  const std::deque<Phase>& phases() const { return phases_; }
  const ValueTracker& tracker() const { return tracker_; }
  // Calls over shared memory, of all clients.
  uint64_t shared_memory_calls() const {
    uint64_t calls = 0;
    for (const auto& client : clients_)
      calls += client->stats().shm_gets + client->stats().shm_puts;
    return calls;
  }
  const FileDamager& damager() const { return damager_; }
  const std::map<std::string, int>& kills_by_point() const { return kills_by_point_; }
  const std::vector<double>& start_ms() const { return start_ms_; }    // launch to ready
  const std::vector<double>& answer_ms() const { return answer_ms_; }  // ready to the first block
  // Starts that ended in an abort because of damaged files.
  int opening_deaths() const { return opening_deaths_; }
  int conservation_checks() const { return conservation_checks_; }
  const Population& population() const { return population_; }
  const Daemon& daemon() const { return daemon_; }

 private:
  // How a run of the daemon is to end.
  struct Ending {
    std::string kill_point;  // "name:n"; empty = from outside
    bool terminate = false;  // SIGTERM first
  };

  absl::Status RunPhase(Phase& phase);
  absl::Status RunCycle(Phase& phase, int damages);
  absl::Status StartDaemon(const Ending& ending);
  bool DiedOfDamage();
  absl::Status LetItRun(int live_damages);
  absl::Status WaitForAnAnswer();
  absl::Status LookQuietly();
  absl::Status LookAtTheEnd();
  std::string DifferenceAtRest();
  void ReadEverything();
  absl::Status EndDaemon(const Ending& ending);
  absl::Status ReadUntilEnough();
  Ending NextEnding();
  uint64_t AnsweredBlocks() const;
  uint64_t CheckedBlocks() const;
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  const CampaignOptions options_;
  const Population population_;
  ValueTracker tracker_;
  Daemon daemon_;
  FileDamager damager_;
  std::mt19937_64 random_;
  Gate gate_;
  std::deque<Phase> phases_;
  std::atomic<Counts*> counts_{nullptr};
  std::vector<std::unique_ptr<client::Client>> clients_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;

  int cycles_ = 0;
  int kills_ = 0;
  size_t next_point_ = 0;
  std::map<std::string, int> kills_by_point_;
  std::vector<double> start_ms_, answer_ms_;
  int opening_deaths_ = 0;
  int conservation_checks_ = 0;
};

}  // namespace halflife::e2e
