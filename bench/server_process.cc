#include "bench/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace halflife::bench {
namespace {

constexpr int kReadyPolls = 30'000;
constexpr int kReadyPollMs = 1;
constexpr int kStopMs = 20'000;

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

Usage OwnUsage() {
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  return {Seconds(own.ru_utime) + Seconds(own.ru_stime), static_cast<uint64_t>(own.ru_minflt)};
}

ServerProcess::ServerProcess(pid_t pid)
    : pid_(pid), pid_fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}

std::unique_ptr<ServerProcess> ServerProcess::Start(const std::vector<std::string>& command,
                                                    const std::string& log_path,
                                                    const std::function<bool()>& ready) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int log = open(log_path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    dup2(log, 1);
    dup2(log, 2);
    execvp(argv[0], argv.data());
    std::perror(argv[0]);
    _exit(127);
  }
  std::unique_ptr<ServerProcess> server(new ServerProcess(pid));
  for (int i = 0; i < kReadyPolls && !server->EndedWithin(kReadyPollMs); ++i) {
    if (ready()) return server;
  }
  std::fprintf(stderr, "%s did not become ready:\n", command[0].c_str());
  std::stringstream log;
  log << std::ifstream(log_path).rdbuf();
  std::fputs(log.str().c_str(), stderr);
  return nullptr;
}

ServerProcess::~ServerProcess() {
  kill(pid_, SIGTERM);
  if (!EndedWithin(kStopMs)) kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(pid_fd_);
}

void ServerProcess::Kill() const { kill(pid_, SIGKILL); }

bool ServerProcess::EndedWithin(int milliseconds) const {
  pollfd ended{pid_fd_, POLLIN, 0};
  return poll(&ended, 1, milliseconds) > 0;
}

Usage ServerProcess::usage() const {
  Usage usage;
  // To the nanosecond; /proc/PID/stat counts ticks of 10 ms.
  clockid_t clock{};
  timespec cpu{};
  if (clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &cpu) == 0) {
    usage.cpu_s = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9;
  }
  std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(stat, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));  // the name may hold blanks
  std::string field;
  for (int i = 3; i <= 10 && fields >> field; ++i) {  // minflt is the tenth field of all
    if (i == 10) usage.page_faults = std::strtoull(field.c_str(), nullptr, 10);
  }
  return usage;
}

}  // namespace halflife::bench
