#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "halflife/client.h"
#include "tools/cli/context.h"

namespace halflife::tools {

// How a person names blocks: a namespace, by its id or by its fields, and a chain, by hashes or by
// token ids.
struct BlockOptions {
  std::string namespace_id;  // hex, or enough of its beginning
  client::Namespace ns;
  std::string hash_scheme = "halflife";
  std::vector<std::string> hashes;  // hex
  std::vector<uint32_t> tokens;
  std::string app;
  uint32_t turn = 0;
  absl::Duration timeout = absl::Seconds(5);
};

void AddNamespaceOptions(CLI::App* command, BlockOptions& options);
void AddChainOptions(CLI::App* command, BlockOptions& options);

// A namespace of a daemon with the chain that the options name. Move-only.
struct BlockSession {
  std::unique_ptr<client::Client> client;
  client::NamespaceHandle ns;
  std::vector<client::Hash> chain;
  client::Attributes attributes;
  std::chrono::microseconds budget{0};
};

// Opens it. Asks the daemon for the descriptor if only an id is given. `wants_chain`: at least one
// block must be named. Prints what is wrong. Returns: kExitOk and `session`, or the exit code.
int OpenBlockSession(const Context& context, const BlockOptions& options, bool wants_chain,
                     BlockSession& session);

// "9f86…" to 32 bytes. Returns: kInvalidArgument.
absl::StatusOr<client::Hash> ParseHash(const std::string& text);
std::string HashText(const client::Hash& hash);

}  // namespace halflife::tools
