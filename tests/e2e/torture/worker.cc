#include "tests/e2e/torture/worker.h"

#include <algorithm>
#include <cmath>

namespace halflife::e2e {

using client::Order;
using client::Outcome;

Worker::Worker(const Shared& shared, client::Client* client, uint64_t seed)
    : shared_(shared), client_(client, shared.tracker, shared.population), random_(seed) {}

void Worker::Run() {
  while (shared_.gate->Pass()) {
    Step();
    if (alone_) shared_.gate->Rest();
    alone_ = false;
  }
}

void Worker::Step() {
  const uint64_t choice = Below(1000);
  if (choice < 600) {
    Serve();
  } else if (choice < 800) {
    ReadFromTheMiddle();
  } else if (choice < 980) {
    PutAndReadBack();
  } else {
    Delete();
  }
}

Stretch Worker::SomePrefix() {
  // Small blocks most often: they make many checked reads, large ones make evictions.
  static constexpr uint32_t kFamilyOf[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4};
  const auto count = static_cast<uint32_t>(shared_.population->families().size());
  const uint32_t index = std::min(kFamilyOf[Below(std::size(kFamilyOf))], count - 1);
  const Family& family = shared_.population->family(index);
  const double skewed = std::pow(static_cast<double>(Below(1 << 20)) / (1 << 20), 4);
  const auto chain = static_cast<uint32_t>(skewed * family.chains);
  return {index, chain, 0, static_cast<uint32_t>(1 + Below(family.depth))};
}

void Worker::Note(Outcome outcome) {
  if (outcome == Outcome::kUnavailable) {
    ++counts().unavailable;
    alone_ = true;
  }
  if (outcome == Outcome::kTimeout) ++counts().timeouts;
}

TrackedClient::ReadCounts Worker::Read(const Stretch& stretch,
                                       const TrackedClient::GetOptions& options) {
  const TrackedClient::ReadCounts read = client_.Get(stretch, options);
  counts().checked_blocks += read.right;
  counts().wrong_blocks += read.wrong;
  counts().revived_blocks += read.revived;
  Note(read.outcome);
  return read;
}

TrackedClient::PutCounts Worker::Put(const Stretch& stretch) {
  const TrackedClient::PutCounts put = client_.Put(stretch);
  counts().stored_blocks += put.stored;
  counts().duplicate_blocks += put.duplicates;
  counts().refused_blocks += put.refused;
  counts().unanswered_blocks += put.unknown;
  Note(put.outcome);
  return put;
}

void Worker::Serve() {
  const Stretch wanted = SomePrefix();
  const uint32_t parts = shared_.population->family(wanted.family).parts;
  ++counts().requests;
  if (Below(4) == 0) return ReadUnderLease(wanted);
  const client::LookupResult lookup = client_.Lookup(wanted);
  Note(lookup.outcome);
  if (lookup.outcome != Outcome::kOk) return;
  counts().wanted_blocks += uint64_t{wanted.count} * parts;
  Stretch there = wanted;
  there.count = lookup.prefix_blocks;
  uint32_t whole_blocks = 0;
  if (there.count > 0) {
    const TrackedClient::ReadCounts read = Read(there, {});
    counts().hit_blocks += read.right;
    if (read.outcome != Outcome::kOk) return;
    whole_blocks = read.whole_blocks;
  }
  Stretch missing = wanted;
  missing.first = whole_blocks;
  missing.count = wanted.count - whole_blocks;
  if (missing.count > 0) Put(missing);
}

void Worker::ReadUnderLease(const Stretch& stretch) {
  TrackedClient::GetOptions options;
  options.began = shared_.tracker->Now();
  const client::LookupResult lookup = client_.Lookup(stretch, true);
  Note(lookup.outcome);
  if (!lookup.lease || lookup.lease.blocks() == 0) return;
  Stretch promised = stretch;
  promised.count = lookup.lease.blocks();
  options.lease = &lookup.lease;
  options.order = Below(2) == 0 ? Order::kAscending : Order::kDescending;
  const TrackedClient::ReadCounts read = Read(promised, options);
  if (read.outcome != Outcome::kOk) return;
  counts().lease_wanted_blocks += read.asked;
  counts().leased_blocks += read.right;
}

void Worker::ReadFromTheMiddle() {
  Stretch stretch = SomePrefix();
  stretch.first = static_cast<uint32_t>(Below(stretch.count));
  stretch.count -= stretch.first;
  TrackedClient::GetOptions options;
  options.order = Below(2) == 0 ? Order::kAscending : Order::kDescending;
  Read(stretch, options);
}

void Worker::PutAndReadBack() {
  const Stretch stretch = SomePrefix();
  const TrackedClient::PutCounts put = Put(stretch);
  if (put.outcome != Outcome::kOk || put.refused > 0) return;
  const TrackedClient::ReadCounts read = Read(stretch, {});
  if (read.outcome != Outcome::kOk) return;
  counts().read_back_blocks += read.asked;
  counts().read_back_right_blocks += read.right;
}

void Worker::Delete() {
  if (Below(8) == 0) {
    const auto last = static_cast<uint32_t>(shared_.population->families().size() - 1);
    if (client_.DeleteFamily(last)) ++counts().namespace_deletes;
    return;
  }
  Stretch stretch = SomePrefix();
  stretch.first = static_cast<uint32_t>(Below(stretch.count));
  stretch.count -= stretch.first;
  if (client_.Delete(stretch)) ++counts().deletes;
}

}  // namespace halflife::e2e
