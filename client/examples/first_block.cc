// Puts one chain of two blocks, looks it up, gets it back and compares. Usage: first_block
// [endpoint]
#include <halflife/client.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace hl = halflife::client;

int main(int argc, char** argv) {
  hl::Options options;
  if (argc > 1) options.endpoint = argv[1];
  std::string error;
  const auto client = hl::Client::Open(options, &error);
  if (!client) return std::fprintf(stderr, "%s\n", error.c_str()), 2;

  hl::Namespace descriptor;  // what makes blocks interchangeable
  descriptor.engine = "example";
  descriptor.model_name = "example-model";
  descriptor.tokens_per_block = 16;
  descriptor.block_bytes = 64 << 10;
  const hl::NamespaceHandle ns = client->OpenNamespace(descriptor, &error);
  if (!ns) return std::fprintf(stderr, "%s\n", error.c_str()), 2;

  std::vector<uint32_t> tokens(32);  // a prompt of two full blocks
  for (uint32_t i = 0; i < tokens.size(); ++i) tokens[i] = 1000 + i;
  const std::vector<hl::Hash> chain = ns.HashTokens(tokens);

  std::vector<std::vector<char>> sent(chain.size()), received(chain.size());
  std::vector<std::vector<hl::Segment>> from(chain.size()), into(chain.size());
  hl::PutRequest put;
  hl::GetRequest get;
  put.ns = get.ns = ns;
  for (size_t i = 0; i < chain.size(); ++i) {
    sent[i].assign(descriptor.block_bytes, static_cast<char>('a' + i));
    received[i].resize(descriptor.block_bytes);
    from[i] = {{sent[i].data(), sent[i].size()}};
    into[i] = {{received[i].data(), received[i].size()}};
    hl::PutItem put_item;
    put_item.hash = chain[i];
    put_item.from = from[i];
    put.items.push_back(put_item);
    hl::GetItem get_item;
    get_item.hash = chain[i];
    get_item.into = into[i];
    get.items.push_back(get_item);
  }
  const hl::PutResult stored = client->Put(put);
  hl::LookupRequest lookup;
  lookup.ns = ns;
  lookup.tokens = tokens;
  const hl::LookupResult found = client->Lookup(lookup);
  const hl::GetResult got = client->Get(get);
  std::printf("put: %s, %u stored\nlookup: %u of %u blocks\nget: %u blocks, %s\n",
              hl::OutcomeName(stored.outcome), stored.stored, found.prefix_blocks, found.blocks,
              got.ok_items, received == sent ? "as they were put" : "not all of them");
  return received == sent ? 0 : 1;
}
