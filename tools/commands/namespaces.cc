#include "common/block/block_id.h"
#include "common/hashing.h"
#include "tools/admin/daemon_connection.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

const char* SchemeName(v1::HashScheme scheme) {
  switch (scheme) {
    case v1::HASH_SCHEME_HALFLIFE:
      return "halflife";
    case v1::HASH_SCHEME_VLLM_SHA256_CBOR:
      return "vllm";
    case v1::HASH_SCHEME_SGLANG:
      return "sglang";
    default:
      return "opaque";
  }
}

Cell BytesOrNone(uint64_t bytes) { return bytes == 0 ? Cell::None() : Cell::Bytes(bytes); }

int RunNamespaces(const Context& context) {
  DaemonConnection daemon(context.endpoint);
  const auto response = daemon.ListNamespaces();
  if (!response.ok()) return FailDaemon(context.endpoint, response.status());
  Table table{"namespaces",
              {"namespace", "engine", "model", "revision", "kv_dtype", "lora", "tenant", "tag",
               "tokens_per_block", "block_bytes", "parts", "hash_scheme", "limit", "dram_bytes",
               "limit_used_bytes", "min_bytes", "max_bytes"},
              {}};
  for (const v1::NamespaceUsage& ns : response->namespaces()) {
    const v1::NamespaceDescriptor& descriptor = ns.namespace_descriptor();
    const auto id = AsBytes(ns.namespace_id());
    const v1::NamespaceLimitUse& limit = ns.limit();  // empty without one
    table.AddRow({Cell::Text(context.output == OutputFormat::kTable ? ShortHex(id) : Hex(id)),
                  Cell::Text(descriptor.engine()), Cell::Text(descriptor.model_name()),
                  Cell::Text(descriptor.model_revision()), Cell::Text(descriptor.kv_dtype()),
                  Cell::Text(descriptor.lora()), Cell::Text(descriptor.tenant()),
                  Cell::Text(descriptor.user_tag()), Cell::Count(descriptor.tokens_per_block()),
                  Cell::Bytes(descriptor.block_bytes()), Cell::Count(descriptor.parts()),
                  Cell::Text(SchemeName(descriptor.hash_scheme())), Cell::Text(limit.name()),
                  BytesOrNone(limit.dram_bytes()), BytesOrNone(limit.used_bytes()),
                  BytesOrNone(limit.min_bytes()), BytesOrNone(limit.max_bytes())});
  }
  return context.Print({{table}});
}

}  // namespace

void AddNamespacesCommand(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("namespaces", "Open namespaces: their ids and what makes them");
  context.OnRun(command, [&context] { return RunNamespaces(context); });
}

}  // namespace halflife::tools
