#include "tests/e2e/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/check.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/units.h"
#include "tests/e2e/raw_rpc.h"

namespace halflife::e2e {
namespace {

// Is somebody listening? Costs microseconds where a gRPC channel costs milliseconds.
bool Listens(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  HL_CHECK(socket_path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentWith(std::string_view kill_point) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // Settings of the person who runs the test must not reach the daemon under test.
    if (strncmp(*entry, "HALFLIFE_", 9) != 0) environment.emplace_back(*entry);
  }
  if (!kill_point.empty()) environment.push_back(StrCat("HALFLIFE_KILLPOINT=", kill_point));
  return environment;
}

struct Program {
  char* const* arguments;
  char* const* environment;
  int log_fd;
  pid_t parent;
};

// In the child: only async-signal-safe calls, because other threads of the parent may have held
// locks.
[[noreturn]] void Become(const Program& program) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != program.parent) _exit(127);
  dup2(program.log_fd, STDOUT_FILENO);
  dup2(program.log_fd, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(program.arguments[0], program.arguments, program.environment);
  _exit(127);
}

}  // namespace

std::string DaemonBinary() {
  if (const char* chosen = getenv("HALFLIFED"); chosen != nullptr) return chosen;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "halflifed";
}

std::string DescribeExit(int wait_status) {
  if (WIFSIGNALED(wait_status)) return StrCat("signal ", WTERMSIG(wait_status));
  return StrCat("exit code ", WEXITSTATUS(wait_status));
}

Daemon::Daemon(Options options) : options_(std::move(options)) {}

Daemon::~Daemon() {
  if (running()) Kill();
}

std::vector<std::string> Daemon::Arguments() const {
  std::vector<std::string> arguments = {DaemonBinary(), "--server.drain_time=0s",
                                        "--admin.listen=127.0.0.1:0", "--log.format=text"};
  arguments.push_back(StrCat("--server.unix_socket=", socket_path()));
  arguments.push_back(StrCat("--storage.dram.budget=", ExactBytes(options_.dram_bytes)));
  if (options_.ssd_quota_bytes > 0) {
    arguments.push_back(StrCat("--storage.ssd.directory=", ssd_directory()));
    arguments.push_back(StrCat("--storage.ssd.quota=", ExactBytes(options_.ssd_quota_bytes)));
    // A test that kills on purpose is no crash loop.
    arguments.push_back("--storage.ssd.crash_limit=0");
  }
  arguments.insert(arguments.end(), options_.flags.begin(), options_.flags.end());
  return arguments;
}

absl::Status Daemon::Launch(std::string_view kill_point) {
  if (running()) return absl::InternalError("the daemon runs already");
  std::vector<std::string> arguments = Arguments();
  std::vector<std::string> environment = EnvironmentWith(kill_point);
  if (access(arguments[0].c_str(), X_OK) != 0) {
    return absl::InternalError(StrCat(arguments[0], ": no such program; set HALFLIFED"));
  }
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  const int log = open(log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const Program program{argument_pointers.data(), environment_pointers.data(), log, getpid()};
  const pid_t child = fork();
  if (child == 0) Become(program);
  close(log);
  if (child < 0) return absl::InternalError("fork failed");
  pid_ = child;
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  HL_CHECK(pidfd_ >= 0);
  return absl::OkStatus();
}

absl::Status Daemon::WaitReady(absl::Duration limit) {
  const absl::Duration end = Clock::Real().Now() + limit;
  std::shared_ptr<grpc::Channel> channel;
  while (Clock::Real().Now() < end) {
    if (EndsWithin(absl::Milliseconds(2))) {
      WaitExit(absl::ZeroDuration());
      return absl::UnavailableError(
          StrCat("it ended with ", DescribeExit(last_exit_), "\n", LogTail()));
    }
    if (channel == nullptr) {
      if (!Listens(socket_path())) continue;
      channel = Connect(endpoint());
    }
    if (Ready(channel, absl::Milliseconds(500))) return absl::OkStatus();
  }
  return absl::DeadlineExceededError(
      StrCat("not ready after ", absl::FormatDuration(limit), "\n", LogTail()));
}

absl::Status Daemon::Start() {
  HL_RETURN_IF_ERROR(Launch());
  return WaitReady();
}

void Daemon::Signal(int signal) {
  if (running()) kill(pid_, signal);
}

void Daemon::Stop() {
  Signal(SIGSTOP);
  HL_CHECK(!running() || waitpid(pid_, nullptr, WUNTRACED) == pid_);
}

bool Daemon::EndsWithin(absl::Duration limit) {
  if (!running()) return true;
  pollfd wait{.fd = pidfd_, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) > 0;
}

std::optional<int> Daemon::WaitExit(absl::Duration limit) {
  int status = 0;
  if (!running() || !EndsWithin(limit)) return std::nullopt;
  HL_CHECK(waitpid(pid_, &status, 0) == pid_);
  close(pidfd_);
  pid_ = pidfd_ = -1;
  last_exit_ = status;
  return status;
}

void Daemon::Kill() {
  Signal(SIGKILL);
  HL_CHECK(!running() || WaitExit(absl::Minutes(1)).has_value());
}

absl::Status Daemon::Terminate(absl::Duration limit) {
  Signal(SIGTERM);
  const std::optional<int> status = WaitExit(limit);
  if (!status.has_value()) {
    return absl::DeadlineExceededError(StrCat("still runs after SIGTERM\n", LogTail()));
  }
  if (*status == 0) return absl::OkStatus();
  return absl::InternalError(StrCat(DescribeExit(*status), " after SIGTERM\n", LogTail()));
}

uint64_t Daemon::ResidentBytes() const {
  std::ifstream status(StrCat("/proc/", pid_, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}

int Daemon::AdminPort() const {
  constexpr std::string_view kWords = "admin port ";
  const std::string log = LogTail(SIZE_MAX);
  const size_t at = log.rfind(kWords);
  return at == std::string::npos ? 0 : std::atoi(log.c_str() + at + kWords.size());
}

std::string Daemon::LogTail(size_t bytes) const {
  std::ifstream log(log_path(), std::ios::binary);
  std::ostringstream text;
  text << log.rdbuf();
  const std::string all = text.str();
  return all.substr(all.size() - std::min(all.size(), bytes));
}

}  // namespace halflife::e2e
