#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/limits.h"
#include "tools/cli/block_options.h"
#include "tools/cli/call_failure.h"
#include "tools/cli/payload_file.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

struct Options {
  BlockOptions blocks;
  std::string path = "-";
};

// One block, all its parts, into `buffer`.
client::GetResult GetBlock(const BlockSession& session, size_t depth,
                           std::vector<uint8_t>& buffer) {
  const client::Namespace& ns = session.ns.descriptor();
  std::vector<client::Segment> segments(ns.parts);
  client::GetRequest request;
  request.ns = session.ns;
  request.first_depth = static_cast<uint32_t>(depth);
  request.attributes = session.attributes;
  for (uint32_t part = 0; part < ns.parts; ++part) {
    segments[part] = {buffer.data() + part * ns.block_bytes, ns.block_bytes};
    client::GetItem item;
    item.hash = session.chain[depth];
    item.part = static_cast<uint16_t>(part);
    item.into = {&segments[part], 1};
    request.items.push_back(item);
  }
  return session.client->Get(std::move(request));
}

// Writes the blocks one after the other. The file is opened when there is something to write, so
// that a miss or an absent daemon does not empty one that is there.
int GetAll(const Context& context, const BlockSession& session, const std::string& path,
           std::optional<PayloadFile>& file) {
  const client::Namespace& ns = session.ns.descriptor();
  std::vector<uint8_t> buffer(ns.block_bytes * ns.parts);
  for (size_t depth = 0; depth < session.chain.size(); ++depth) {
    const client::GetResult result = GetBlock(session, depth, buffer);
    const int code = FailCall(context.endpoint, result.outcome, result.error);
    if (code != kExitOk) return code;
    if (result.ok_items < ns.parts) {
      std::fprintf(stderr, "halflife: miss at block %zu of %zu\n", depth, session.chain.size());
      return kExitNotThere;
    }
    if (!file) {
      auto opened = PayloadFile::OpenToWrite(path);
      if (!opened.ok()) return FailInput(opened.status());
      file = *std::move(opened);
    }
    if (const absl::Status status = file->Write(buffer); !status.ok()) return FailInput(status);
  }
  return kExitOk;
}

int RunGet(const Context& context, const Options& options) {
  if (options.path == "-" && isatty(STDOUT_FILENO) != 0) {
    return FailUsage("payload is not written to a terminal: give --out FILE");
  }
  BlockSession session;
  if (const int code = OpenBlockSession(context, options.blocks, true, session); code != kExitOk) {
    return code;
  }
  if (session.ns.descriptor().parts > kMaxTransferBlocks) {
    return FailUsage("blocks of more than 128 parts: not here");
  }
  std::optional<PayloadFile> file;
  const int code = GetAll(context, session, options.path, file);
  const absl::Status closed = file ? file->Close() : absl::OkStatus();
  return code == kExitOk && !closed.ok() ? FailInput(closed) : code;
}

}  // namespace

void AddGetCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "get", "Write the payload of a chain up to its first miss; exit code 1 if there is one");
  auto options = std::make_shared<Options>();
  AddNamespaceOptions(command, options->blocks);
  AddChainOptions(command, options->blocks);
  command->add_option("--out", options->path, "File, or - for standard output")
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunGet(context, *options); });
}

}  // namespace halflife::tools
