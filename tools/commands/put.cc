#include <memory>
#include <string>
#include <vector>

#include "common/limits.h"
#include "common/strings.h"
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

struct Counts {
  uint64_t stored = 0, duplicates = 0, refused = 0;
};

// One block, all its parts, from `buffer`.
client::PutResult PutBlock(const BlockSession& session, size_t depth,
                           std::vector<uint8_t>& buffer) {
  const client::Namespace& ns = session.ns.descriptor();
  std::vector<client::Segment> segments(ns.parts);
  client::PutRequest request;
  request.ns = session.ns;
  request.first_depth = static_cast<uint32_t>(depth);
  request.attributes = session.attributes;
  if (depth > 0) request.parent = &session.chain[depth - 1];
  for (uint32_t part = 0; part < ns.parts; ++part) {
    segments[part] = {buffer.data() + part * ns.block_bytes, ns.block_bytes};
    client::PutItem item;
    item.hash = session.chain[depth];
    item.part = static_cast<uint16_t>(part);
    item.from = {&segments[part], 1};
    request.items.push_back(item);
  }
  return session.client->Put(std::move(request));
}

int PutAll(const Context& context, const BlockSession& session, PayloadFile& file, Counts& counts) {
  const client::Namespace& ns = session.ns.descriptor();
  std::vector<uint8_t> buffer(ns.block_bytes * ns.parts);
  for (size_t depth = 0; depth < session.chain.size(); ++depth) {
    const auto size = file.Read(absl::MakeSpan(buffer));
    if (!size.ok()) return FailInput(size.status());
    if (*size < buffer.size()) {
      return FailUsage(StrCat("the input ends in block ", depth, " of ", session.chain.size(), ": ",
                              *size, " of ", buffer.size(), " bytes"));
    }
    const client::PutResult result = PutBlock(session, depth, buffer);
    counts.stored += result.stored;
    counts.duplicates += result.duplicates;
    counts.refused += result.refused;
    if (const int code = FailCall(context.endpoint, result.outcome, result.error);
        code != kExitOk) {
      return code;
    }
  }
  uint8_t more = 0;
  const auto rest = file.Read({&more, 1});
  if (rest.ok() && *rest > 0) return FailUsage("the input is longer than the chain");
  return kExitOk;
}

// Before anything is sent, if it can be known: a pipe is found out at its end.
int CheckLength(const BlockSession& session, const PayloadFile& file) {
  const client::Namespace& ns = session.ns.descriptor();
  const uint64_t block_bytes = ns.block_bytes * ns.parts;
  const uint64_t chain_bytes = block_bytes * session.chain.size();
  const auto size = file.BytesLeft();
  if (!size || *size == chain_bytes) return kExitOk;
  return FailUsage(StrCat(file.path(), " has ", *size, " bytes, but ", session.chain.size(),
                          " blocks of ", block_bytes, " bytes have ", chain_bytes));
}

int RunPut(const Context& context, const Options& options) {
  BlockSession session;
  if (const int code = OpenBlockSession(context, options.blocks, true, session); code != kExitOk) {
    return code;
  }
  if (session.ns.descriptor().parts > kMaxTransferBlocks) {
    return FailUsage("blocks of more than 128 parts: not here");
  }
  auto file = PayloadFile::OpenToRead(options.path);
  if (!file.ok()) return FailInput(file.status());
  if (const int code = CheckLength(session, *file); code != kExitOk) return code;
  Counts counts;
  const int code = PutAll(context, session, *file, counts);
  if (code != kExitOk && counts.stored + counts.duplicates + counts.refused == 0) return code;
  Table table = Table::Record("put");
  table.Set("stored", Cell::Count(counts.stored));
  table.Set("already_there", Cell::Count(counts.duplicates));
  table.Set("refused", Cell::Count(counts.refused));
  const int printed = context.Print({{table}});
  if (code != kExitOk || printed != kExitOk) return code != kExitOk ? code : printed;
  return counts.refused > 0 ? kExitFailed : kExitOk;
}

}  // namespace

void AddPutCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "put", "Store the payload of a chain: its blocks one after the other; the first writer wins");
  auto options = std::make_shared<Options>();
  AddNamespaceOptions(command, options->blocks);
  AddChainOptions(command, options->blocks);
  command->add_option("--in", options->path, "File, or - for standard input")
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunPut(context, *options); });
}

}  // namespace halflife::tools
