// Compiled by itself as C++17 without exceptions and without RTTI: nothing else of the project is in reach.
#include <halflife/client.h>

int main() {
  halflife::client::Options options;
  halflife::client::GetRequest get;
  get.items.emplace_back();
  halflife::client::Lease lease = halflife::client::Lease();
  return options.connections - static_cast<int>(get.items.size()) + (lease ? 1 : 0);
}
