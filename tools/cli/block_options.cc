#include "tools/cli/block_options.h"

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "common/block/block_id.h"
#include "common/hashing.h"
#include "common/status.h"
#include "common/strings.h"
#include "proto/wire/descriptor_wire.h"
#include "tools/admin/daemon_connection.h"

namespace halflife::tools {
namespace {

constexpr std::pair<const char*, client::HashScheme> kSchemes[] = {
    {"opaque", client::HashScheme::kOpaque},
    {"halflife", client::HashScheme::kHalflife},
    {"vllm", client::HashScheme::kVllmSha256Cbor},
    {"sglang", client::HashScheme::kSglang}};

absl::StatusOr<client::Namespace> FromDescriptor(const v1::NamespaceDescriptor& message) {
  HL_ASSIGN_OR_RETURN(const NamespaceDescriptor descriptor, DescriptorFromWire(message));
  client::Namespace ns;
  ns.engine = descriptor.engine;
  ns.engine_abi = descriptor.engine_abi;
  ns.model_name = descriptor.model_name;
  ns.model_revision = descriptor.model_revision;
  ns.weights_fingerprint = descriptor.weights_fingerprint;
  ns.kv_dtype = descriptor.kv_dtype;
  ns.lora = descriptor.lora;
  ns.tenant = descriptor.tenant;
  ns.user_tag = descriptor.user_tag;
  ns.tokens_per_block = descriptor.tokens_per_block;
  ns.block_bytes = descriptor.block_bytes;
  ns.parts = descriptor.parts;
  ns.hash_scheme = static_cast<client::HashScheme>(descriptor.hash_scheme);
  ns.hash_seed = descriptor.hash_seed;
  return ns;
}

// The open namespace whose id begins with `prefix`.
absl::StatusOr<client::Namespace> FindNamespace(const std::string& endpoint,
                                                const std::string& prefix, absl::Duration timeout) {
  DaemonConnection daemon(endpoint, timeout);
  HL_ASSIGN_OR_RETURN(const v1::ListNamespacesResponse response, daemon.ListNamespaces());
  const v1::NamespaceUsage* found = nullptr;
  for (const v1::NamespaceUsage& ns : response.namespaces()) {
    if (!absl::StartsWithIgnoreCase(Hex(AsBytes(ns.namespace_id())), prefix)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("namespace ", prefix, " is not unique: give more of its id"));
    }
    found = &ns;
  }
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "namespace ", prefix, " is not open; halflife namespaces lists those that are"));
  }
  return FromDescriptor(found->namespace_descriptor());
}

bool IsHex(const std::string& text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

absl::StatusOr<client::Namespace> NamespaceOf(const Context& context, const BlockOptions& options) {
  if (!options.namespace_id.empty()) {
    if (!IsHex(options.namespace_id)) {
      return absl::InvalidArgumentError(
          absl::StrCat("namespace ", options.namespace_id, " is not an id in hex"));
    }
    return FindNamespace(context.endpoint, options.namespace_id, options.timeout);
  }
  if (options.ns.model_name.empty()) {
    return absl::InvalidArgumentError(
        "namespace: give --namespace ID (halflife namespaces lists them), or --model and the other "
        "fields of its descriptor");
  }
  client::Namespace ns = options.ns;
  for (const auto& [name, scheme] : kSchemes) {
    if (options.hash_scheme == name) ns.hash_scheme = scheme;
  }
  return ns;
}

int FailNamespace(const std::string& endpoint, const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return FailUsage(ToStd(status.message()));
  const int code = FailDaemon(endpoint, status);
  return absl::IsNotFound(status) ? kExitNotThere : code;
}

// Every budget is what the person is willing to wait.
client::Options ClientOptions(const std::string& endpoint, std::chrono::microseconds budget) {
  client::Options options;
  options.endpoint = endpoint;
  options.lookup_budget = options.get_budget = options.put_budget = budget;
  return options;
}

}  // namespace

absl::StatusOr<client::Hash> ParseHash(const std::string& text) {
  client::Hash hash;
  if (!ParseHex(text, absl::MakeSpan(hash.data(), hash.size()))) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a hash of 64 hex digits"));
  }
  return hash;
}

std::string HashText(const client::Hash& hash) { return Hex({hash.data(), hash.size()}); }

void AddNamespaceOptions(CLI::App* command, BlockOptions& options) {
  constexpr char kGroup[] = "Namespace";
  const auto text = [&](const char* name, std::string& value, const char* description) {
    command->add_option(name, value, description)->group(kGroup);
  };
  text("--namespace", options.namespace_id, "Id of an open one, or its beginning, in hex");
  text("--engine", options.ns.engine, "Engine, for example vllm");
  text("--engine-abi", options.ns.engine_abi, "KV layout of the engine");
  text("--model", options.ns.model_name, "Model name");
  text("--revision", options.ns.model_revision, "Revision of the model");
  text("--weights", options.ns.weights_fingerprint, "Digest of the weights");
  text("--kv-dtype", options.ns.kv_dtype, "For example bf16");
  text("--lora", options.ns.lora, "name@revision");
  text("--tenant", options.ns.tenant, "Sharing domain");
  text("--tag", options.ns.user_tag, "Free text that separates namespaces");
  command->add_option("--tokens-per-block", options.ns.tokens_per_block, "Tokens of one block")
      ->group(kGroup);
  AddBytes(command, "--block-bytes", options.ns.block_bytes, "Of one part")->group(kGroup);
  command->add_option("--parts", options.ns.parts, "Ranks that a block is cut into")->group(kGroup);
  command->add_option("--hash-scheme", options.hash_scheme, "How tokens are hashed")
      ->check(CLI::IsMember({"opaque", "halflife", "vllm", "sglang"}))
      ->capture_default_str()
      ->group(kGroup);
  AddDuration(command, "--timeout", options.timeout, "How long to wait for the daemon");
}

void AddChainOptions(CLI::App* command, BlockOptions& options) {
  constexpr char kGroup[] = "Chain";
  auto* hashes =
      command->add_option("--hash", options.hashes, "Block hash in hex, first block first")
          ->group(kGroup);
  command->add_option("--tokens", options.tokens, "Token ids of the prompt, comma-separated")
      ->delimiter(',')
      ->excludes(hashes)
      ->group(kGroup);
  command->add_option("--app", options.app, "Class of application, a hint")->group(kGroup);
  command->add_option("--turn", options.turn, "Turn of the session, a hint")->group(kGroup);
}

int OpenBlockSession(const Context& context, const BlockOptions& options, bool wants_chain,
                     BlockSession& session) {
  const auto ns = NamespaceOf(context, options);
  if (!ns.ok()) return FailNamespace(context.endpoint, ns.status());
  session.budget = absl::ToChronoMicroseconds(options.timeout);
  std::string error;
  session.client = client::Client::Open(ClientOptions(context.endpoint, session.budget), &error);
  if (session.client == nullptr) return FailUsage(error);
  session.ns = session.client->OpenNamespace(*ns, &error);
  if (!session.ns) return FailUsage("namespace: " + error);
  for (const std::string& text : options.hashes) {
    const auto hash = ParseHash(text);
    if (!hash.ok()) return FailInput(hash.status());
    session.chain.push_back(*hash);
  }
  if (!options.tokens.empty()) session.chain = session.ns.HashTokens(options.tokens);
  if (wants_chain && session.chain.empty()) {
    return FailUsage(options.tokens.empty()
                         ? "no block is named: give --hash or --tokens"
                         : "the tokens do not fill one block, or the scheme is opaque");
  }
  session.attributes.app = options.app;
  session.attributes.turn = options.turn;
  return kExitOk;
}

}  // namespace halflife::tools
