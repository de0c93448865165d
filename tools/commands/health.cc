#include <algorithm>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "tools/admin/daemon_connection.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr absl::Duration kCallDeadline = absl::Seconds(2);

struct Options {
  absl::Duration wait;
  bool liveness = false;
};

void Idle(absl::Duration time) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.WaitFor(mutex, time);
}

int RunHealth(const Context& context, const Options& options) {
  const Clock& clock = Clock::Real();
  const absl::Duration start = clock.Now();
  const std::string service = options.liveness ? "liveness" : "readiness";
  DaemonConnection daemon(context.endpoint, kCallDeadline);
  absl::StatusOr<DaemonConnection::Health> health = daemon.Check(service);
  const auto healthy = [&health] {
    return health.ok() && *health == DaemonConnection::Health::kServing;
  };
  // An absent daemon is waited for inside a call: gRPC 1.51 looks for it only every 5 s while no
  // call is under way. One that is there and not ready answers, and is asked again.
  const auto left = [&] { return options.wait - (clock.Now() - start); };
  while (!healthy() && left() > absl::ZeroDuration()) {
    Idle(std::min(kPollInterval, left()));
    health = daemon.CheckWhenThere(service, left());
  }
  if (!health.ok() && options.wait > absl::ZeroDuration()) {
    health = daemon.Check(service);  // says why, where the one that waited says how long
  }
  if (!health.ok()) return FailDaemon(context.endpoint, health.status());
  Table table = Table::Record("health");
  table.Set("endpoint", Cell::Text(context.endpoint));
  table.Set("service", Cell::Text(service));
  table.Set("status", Cell::Text(healthy() ? "serving" : "not serving"));
  table.Set("waited_seconds", Cell::Seconds(absl::ToDoubleSeconds(clock.Now() - start)));
  const int printed = context.Print({{table}});
  return printed != kExitOk ? printed : healthy() ? kExitOk : kExitNotThere;
}

}  // namespace

void AddHealthCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("health", "Whether the daemon is ready");
  auto options = std::make_shared<Options>();
  AddDuration(command, "--wait", options->wait, "Wait up to this long for it to become ready");
  command->add_flag("--liveness", options->liveness, "Ask whether it is alive, not ready");
  context.OnRun(command, [&context, options] { return RunHealth(context, *options); });
}

}  // namespace halflife::tools
