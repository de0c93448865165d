#include "tests/e2e/population.h"

#include "common/hashing.h"
#include "common/strings.h"

namespace halflife::e2e {

Population::Population(std::vector<Family> families) : families_(std::move(families)) {
  for (const Family& family : families_) {
    std::vector<client::Hash>& hashes = hashes_.emplace_back();
    for (uint32_t chain = 0; chain < family.chains; ++chain) {
      for (uint32_t block = 0; block < family.depth; ++block) {
        hashes.push_back(Sha256Of(StrCat(family.name, "/", chain, "/", block)));
      }
    }
  }
}

client::Namespace Population::DescriptorOf(uint32_t family) const {
  client::Namespace descriptor;
  descriptor.engine = "e2e";
  descriptor.model_name = StrCat("e2e/", families_[family].name);
  descriptor.tokens_per_block = 16;
  descriptor.block_bytes = families_[family].block_bytes;
  descriptor.parts = families_[family].parts;
  descriptor.hash_scheme = client::HashScheme::kOpaque;
  return descriptor;
}

const client::Hash* Population::ChainOf(uint32_t family, uint32_t chain) const {
  return hashes_[family].data() + size_t{chain} * families_[family].depth;
}

uint64_t Population::KeyOf(const Stretch& stretch, uint32_t block, uint32_t part) const {
  const Family& family = families_[stretch.family];
  const uint64_t position = uint64_t{stretch.chain} * family.depth + stretch.first + block;
  return uint64_t{stretch.family} << 48 | (position * family.parts + part);
}

uint64_t Population::Bytes() const {
  uint64_t bytes = 0;
  for (const Family& family : families_) {
    bytes += family.block_bytes * family.parts * family.depth * family.chains;
  }
  return bytes;
}

}  // namespace halflife::e2e
