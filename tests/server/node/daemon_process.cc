#include "tests/server/node/daemon_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace halflife {
namespace {

constexpr int kPatienceMilliseconds = 30'000;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

FileDescriptor NotificationSocket(const std::string& path) {
  FileDescriptor receiver(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  HL_CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  HL_CHECK(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return receiver;
}

}  // namespace

std::string DaemonProcess::Binary() {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  const std::filesystem::path daemon = self.parent_path() / "halflifed";
  return std::filesystem::exists(daemon) ? daemon.string() : "";
}

DaemonProcess::DaemonProcess(std::vector<std::string> arguments,
                             std::vector<std::string> environment)
    : notifications_(NotificationSocket(scratch_ / "notify")) {
  arguments.insert(arguments.begin(), Binary());
  environment.push_back("NOTIFY_SOCKET=" + (scratch_ / "notify"));
  environment.push_back("ASAN_OPTIONS=detect_leaks=0");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, (scratch_ / "out").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  std::vector<char*> argv = Pointers(arguments);
  std::vector<char*> envp = Pointers(environment);
  HL_CHECK(posix_spawn(&pid_, arguments[0].c_str(), &files, nullptr, argv.data(), envp.data()) ==
           0);
  posix_spawn_file_actions_destroy(&files);
}

DaemonProcess::~DaemonProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string DaemonProcess::NextNotification() {
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ready[] = {{.fd = notifications_.get(), .events = POLLIN, .revents = 0},
                    {.fd = process.get(), .events = POLLIN, .revents = 0}};
  poll(ready, 2, kPatienceMilliseconds);
  char text[256];
  const ssize_t size = recv(notifications_.get(), text, sizeof text, MSG_DONTWAIT);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
}

int DaemonProcess::WaitExit() {
  int status = 0;
  HL_CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void DaemonProcess::Signal(int signal) { HL_CHECK(kill(pid_, signal) == 0); }

}  // namespace halflife
