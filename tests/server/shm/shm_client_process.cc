#include "tests/server/shm/shm_client_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "client/include/halflife/client.h"
#include "common/check.h"
#include "tests/client/client_fixture.h"

namespace halflife {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr char kRoleVariable[] = "HALFLIFE_TEST_SHM_ROLE";
constexpr char kEndpointVariable[] = "HALFLIFE_TEST_SHM_ENDPOINT";
constexpr char kRoleTest[] = "ShmClientProcess.PlaysItsRole";

void Say(const char* line) {
  std::printf("%s\n", line);
  std::fflush(stdout);
}

client::Namespace RoleNamespace() {
  client::Namespace ns = client::SmallNamespace();
  ns.block_bytes = kRoleBlockBytes;
  return ns;
}

void Hold(client::Client& client, const client::NamespaceHandle& ns) {
  const auto chain = client::Chain(kRoleChain, kRoleBlocks);
  client::ViewRequest request;
  request.ns = ns;
  request.chain = chain;
  request.lease = std::chrono::seconds(30);
  const client::ViewResult result = client.GetView(request);
  ASSERT_EQ(result.prefix_views, kRoleBlocks);
  ASSERT_TRUE(result.views[0].in_place());
  Say("holding");
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

// The page of the reader's own memory at which the next copy stops.
uint8_t* trap_page = nullptr;

// In the middle of a copy: stands still until somebody sends SIGCONT, then goes on with the copy.
void StandStill(int) {
  const char line[] = "in the copy\n";
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line, sizeof line - 1);
  raise(SIGSTOP);
  mprotect(trap_page, kPageBytes, PROT_READ | PROT_WRITE);
}

// Without verification: what keeps wrong bytes out here is the generation alone.
void Read(client::Client& client, const client::NamespaceHandle& ns) {
  struct sigaction action {};
  action.sa_handler = StandStill;
  ASSERT_EQ(sigaction(SIGSEGV, &action, nullptr), 0);
  const auto chain = client::Chain(kRoleChain, kRoleBlocks);
  constexpr uint64_t kBytes = kRoleBlocks * kRoleBlockBytes;
  auto* const memory = static_cast<uint8_t*>(
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  uint64_t trap = 0;
  for (char byte; read(STDIN_FILENO, &byte, 1) == 1;) {
    // Another place each time: the first page of a block, some in the middle, the last one.
    trap_page = memory + trap++ * 97 % (kBytes / kPageBytes) * kPageBytes;
    mprotect(trap_page, kPageBytes, PROT_NONE);
    std::vector<client::Segment> segments(kRoleBlocks);
    client::GetRequest request;
    request.ns = ns;
    for (uint32_t i = 0; i < kRoleBlocks; ++i) {
      segments[i] = {memory + i * kRoleBlockBytes, kRoleBlockBytes};
      request.items.push_back({.hash = chain[i], .part = 0, .into = {&segments[i], 1}});
    }
    const client::GetResult got = client.Get(std::move(request));
    mprotect(trap_page, kPageBytes, PROT_READ | PROT_WRITE);
    for (uint32_t i = 0; i < kRoleBlocks; ++i) {
      if (got.items[i].outcome != client::Outcome::kOk) continue;
      const auto expected = client::Payload(chain[i], 0, kRoleBlockBytes);
      ASSERT_EQ(std::memcmp(segments[i].data, expected.data(), kRoleBlockBytes), 0)
          << "WRONG BYTES in block " << i;
    }
    std::printf("checked, fallbacks %lu\n", client.stats().shm_fallbacks);
    std::fflush(stdout);
  }
}

// Not a test of its own: what a ShmClientProcess runs.
TEST(ShmClientProcess, PlaysItsRole) {
  const char* const role = std::getenv(kRoleVariable);
  if (role == nullptr) GTEST_SKIP() << "only as the client process of another test";
  client::Options options = client::Patient(std::getenv(kEndpointVariable));
  options.trust_sealed = true;
  options.verify = false;
  const auto client = client::Client::Open(options);
  ASSERT_TRUE(client->AwaitSharedMemory(std::chrono::seconds(20)));
  const client::NamespaceHandle ns = client->OpenNamespace(RoleNamespace());
  const auto chain = client::Chain(kRoleChain, 1);
  ASSERT_EQ(client->Lookup(client::LookupOf(ns, chain)).outcome, client::Outcome::kOk);
  std::string_view(role) == "hold" ? Hold(*client, ns) : Read(*client, ns);
}

}  // namespace

ShmClientProcess::ShmClientProcess(const std::string& role, const std::string& endpoint) {
  int in[2], out[2];
  HL_CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
  std::vector<std::string> arguments = {"/proc/self/exe",
                                        std::string("--gtest_filter=") + kRoleTest};
  std::vector<std::string> environment = {std::string(kRoleVariable) + "=" + role,
                                          std::string(kEndpointVariable) + "=" + endpoint,
                                          "ASAN_OPTIONS=detect_leaks=0"};
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  HL_CHECK(posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), envp.data()) == 0);
  posix_spawn_file_actions_destroy(&files);
  close(in[0]);
  close(out[1]);
  to_child_ = in[1];
  from_child_ = out[0];
}

ShmClientProcess::~ShmClientProcess() {
  Kill();
  if (to_child_ >= 0) close(to_child_);
  close(from_child_);
}

std::string ShmClientProcess::NextLine() {
  std::string line;
  char byte;
  while (read(from_child_, &byte, 1) == 1) {
    if (byte == '\n') return line;
    line += byte;
  }
  return line;
}

bool ShmClientProcess::Hears(const std::string& line) {
  for (std::string heard = NextLine(); !heard.empty(); heard = NextLine()) {
    if (heard == line) return true;
  }
  return false;
}

void ShmClientProcess::Go() { HL_CHECK(write(to_child_, "g", 1) == 1); }

void ShmClientProcess::AwaitStop() {
  int status = 0;
  HL_CHECK(waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status));
}

void ShmClientProcess::Continue() { HL_CHECK(kill(pid_, SIGCONT) == 0); }

void ShmClientProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int ShmClientProcess::Finish() {
  close(to_child_);
  to_child_ = -1;
  // So that it cannot wait for somebody to read what it says.
  while (!NextLine().empty()) continue;
  int status = 0;
  HL_CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace halflife
