#include <algorithm>
#include <array>

#include "tools/simulate/policies/baselines.h"
#include "tools/workload/random.h"

namespace halflife::tools {
namespace {

// Least hit density: of a random sample the block goes whose expected hits per time still to be
// held are fewest, from the observed ages at hits and evictions of its class. Source: Beckmann,
// Chen and Cidon, "LHD: improving cache hit rate by maximizing hit density", NSDI 2018, and its
// code (github.com/CMU-CORGI/LHD): 16 classes by the ages at the last two hits, samples of 32 plus
// 8 recently admitted, decay 0.9. What differs, because traces here have 0.3 to 5 million
// references: densities are fitted every `capacity` references (published: 2^20) over 1,000 ages
// (20,000), and an age is counted in units of capacity / 64 references (adapted).
class LhdCache final : public BlockwiseCache {
 public:
  explicit LhdCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks),
        age_unit_(std::max<uint64_t>(1, capacity_ / 64)),
        fit_interval_(std::max<uint64_t>(capacity_, 4096)),
        random_(setup.seed),
        blocks_(setup.block_count()) {
    held_.reserve(capacity_);
    // Before the first fit, as published: about GDSF.
    for (size_t c = 0; c < kClasses; ++c) {
      for (size_t age = 0; age < kAges; ++age) {
        classes_[c].density[age] = static_cast<double>(c + 1) / static_cast<double>(age + 1);
      }
    }
  }

  bool Holds(uint32_t block) const override { return blocks_[block].place != kAbsent; }
  size_t size() const override { return held_.size(); }

 private:
  static constexpr size_t kClasses = 16;
  static constexpr size_t kAges = 1000;
  static constexpr size_t kSamples = 32;
  static constexpr size_t kRecent = 8;
  static constexpr double kDecay = 0.9;
  static constexpr uint32_t kAbsent = UINT32_MAX;

  struct Block {
    uint64_t last = 0;           // reference
    uint32_t place = kAbsent;    // in held_
    uint32_t last_hit_age = 0;   // in units
    uint32_t older_hit_age = 0;  // the one before
  };
  struct Class {
    std::array<double, kAges> hits{};
    std::array<double, kAges> evictions{};
    std::array<double, kAges> density{};
  };

  size_t AgeOf(const Block& block) const {
    return std::min<uint64_t>((now_ - block.last) / age_unit_, kAges - 1);
  }
  static size_t ClassOf(const Block& block) {
    uint64_t age = uint64_t{block.last_hit_age} + block.older_hit_age;
    if (age == 0) return kClasses - 1;
    size_t number = 0;
    for (; age < kAges && number < kClasses - 1; age <<= 1) ++number;
    return number;
  }
  double DensityOf(uint32_t block) const {
    return classes_[ClassOf(blocks_[block])].density[AgeOf(blocks_[block])];
  }

  void Reference(uint32_t id) override {
    ++now_;
    if (now_ % fit_interval_ == 0) Fit();
    Block& block = blocks_[id];
    if (block.place != kAbsent) {
      const size_t age = AgeOf(block);
      classes_[ClassOf(block)].hits[age] += 1;
      block.older_hit_age = block.last_hit_age;
      block.last_hit_age = static_cast<uint32_t>(age);
      block.last = now_;
      return;
    }
    if (held_.size() == capacity_) Evict();
    // As published, a new block counts as one whose last two ages were the greatest.
    block = {now_, static_cast<uint32_t>(held_.size()), 0, kAges};
    held_.push_back(id);
    recent_[now_ % kRecent] = id;
  }

  void Evict() {
    uint32_t victim = held_[random_.Below(held_.size())];
    double least = DensityOf(victim);
    const auto consider = [&](uint32_t candidate) {
      const double density = DensityOf(candidate);
      if (density >= least) return;
      least = density;
      victim = candidate;
    };
    for (size_t i = 1; i < kSamples; ++i) consider(held_[random_.Below(held_.size())]);
    for (const uint32_t block : recent_) {
      if (block != kNoBlock && Holds(block)) consider(block);
    }
    Block& block = blocks_[victim];
    classes_[ClassOf(block)].evictions[AgeOf(block)] += 1;
    held_[block.place] = held_.back();
    blocks_[held_.back()].place = block.place;
    held_.pop_back();
    block.place = kAbsent;
  }

  // Expected hits over expected time to the end of a lifetime, given that it has reached an age.
  void Fit() {
    for (Class& c : classes_) {
      double hits = 0;
      double events = 0;
      double lifetime = 0;
      for (size_t age = kAges; age-- > 0;) {
        c.hits[age] *= kDecay;
        c.evictions[age] *= kDecay;
        hits += c.hits[age];
        events += c.hits[age] + c.evictions[age];
        lifetime += events;
        c.density[age] = events > 1e-5 ? hits / lifetime : 0;
      }
    }
  }

  const size_t capacity_;
  const uint64_t age_unit_;      // references
  const uint64_t fit_interval_;  // references
  Random random_;
  std::array<Class, kClasses> classes_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> held_;
  std::array<uint32_t, kRecent> recent_ = {kNoBlock, kNoBlock, kNoBlock, kNoBlock,
                                           kNoBlock, kNoBlock, kNoBlock, kNoBlock};
  uint64_t now_ = 0;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeLhdCache(const CacheSetup& setup) {
  return std::make_unique<LhdCache>(setup);
}

}  // namespace halflife::tools
