#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "common/limits.h"
#include "tests/tools/fake_block_service.h"
#include "tests/tools/run_halflife.h"
#include "tools/bench/bench_caller.h"
#include "tools/bench/bench_report.h"
#include "tools/bench/bench_run.h"
#include "tools/bench/interrupt.h"
#include "tools/bench/working_set.h"
#include "tools/replay/worker.h"

namespace halflife::tools {
namespace {

using client::Outcome;
using testing::HasSubstr;

BenchOptions SmallBench() {
  BenchOptions options;
  options.block_bytes = 4096;
  options.blocks_per_call = 4;
  options.working_set_bytes = options.call_bytes() * 8;
  options.warm_up = absl::ZeroDuration();
  options.count = 200;
  return options;
}

TEST(WorkingSet, IsFilledOnceAndThenReadFrom) {
  WorkingSet set(3);
  Random random(1);

  EXPECT_FALSE(set.BeginRead(random)) << "nothing is there yet";
  for (uint64_t chain = 1; chain <= 3; ++chain) {
    const auto write = set.BeginFill();
    ASSERT_TRUE(write);
    EXPECT_EQ(write->new_chain, chain);
    EXPECT_EQ(write->old_chain, 0u);
    set.EndWrite(*write, true);
  }
  EXPECT_FALSE(set.BeginFill());

  const auto read = set.BeginRead(random);
  ASSERT_TRUE(read);
  EXPECT_GE(read->chain, 1u);
  EXPECT_LE(read->chain, 3u);
}

TEST(WorkingSet, AChainIsNotReplacedWhileItIsRead) {
  WorkingSet set(2);
  Random random(1);
  while (const auto write = set.BeginFill()) set.EndWrite(*write, true);
  const auto first = set.BeginRead(random);
  ASSERT_TRUE(first);

  const auto write = set.BeginWrite(random);
  ASSERT_TRUE(write);
  EXPECT_NE(write->place, first->place);
  EXPECT_FALSE(set.BeginWrite(random)) << "one is read, the other is being written";
  set.EndRead(*first);
  const auto freed = set.BeginWrite(random);
  ASSERT_TRUE(freed);
  EXPECT_EQ(freed->place, first->place);
}

TEST(WorkingSet, AChainThatWasNotStoredIsNotRead) {
  WorkingSet set(1);
  Random random(1);
  set.EndWrite(*set.BeginFill(), false);

  EXPECT_FALSE(set.BeginRead(random));
  set.EndWrite(*set.BeginWrite(random), true);
  EXPECT_EQ(set.BeginRead(random)->chain, 2u);
}

TEST(BenchRun, ReadsWhatItHasPut) {
  FakeBlockService service;

  const BenchResult result = RunBench(service, {}, SmallBench(), {}, Clock::Real());

  EXPECT_EQ(result.fill, Outcome::kOk);
  EXPECT_EQ(result.tally.get.calls(), 200u);
  EXPECT_EQ(result.tally.get.good_blocks, 800u);
  EXPECT_EQ(result.tally.get.bytes, 800u * 4096);
  EXPECT_EQ(result.tally.get.wrong_blocks, 0u);
  EXPECT_EQ(result.tally.get.latency_ns.count, 200u);
  EXPECT_GT(result.tally.get.longest_ns, 0);
  EXPECT_EQ(result.tally.put.calls(), 0u) << "filling is not measured";
  EXPECT_EQ(service.size(), 32u);
  EXPECT_GT(result.seconds, 0);
}

TEST(BenchRun, PutsReplaceWhatWasThereSoThatItNeverHoldsMoreThanItsWorkingSet) {
  FakeBlockService service;
  BenchOptions options = SmallBench();
  options.read_share = 0.3;
  options.callers = 4;

  const BenchResult result = RunBench(service, {}, options, {}, Clock::Real());

  EXPECT_GT(result.tally.put.calls(), 50u);
  EXPECT_EQ(result.tally.get.calls() + result.tally.put.calls(), 200u);
  EXPECT_EQ(result.tally.put.good_blocks, result.tally.put.calls() * 4);
  EXPECT_EQ(result.tally.get.good_blocks, result.tally.get.blocks) << "a Get met a deleted chain";
  EXPECT_LE(service.most_blocks, 32u);
  EXPECT_EQ(result.tally.failed_deletes, 0u);
}

TEST(BenchRun, ADaemonWithoutRoomForAllOfItIsReadAsFarAsItWent) {
  FakeBlockService service;
  service.room = 16;  // half of the working set

  const BenchResult result = RunBench(service, {}, SmallBench(), {}, Clock::Real());

  EXPECT_EQ(result.fill, Outcome::kOk);
  EXPECT_EQ(result.tally.get.calls(), 200u);
  EXPECT_EQ(result.tally.get.good_blocks, 800u);
}

TEST(BenchRun, CountsWhatTheDaemonHasLostAsMissed) {
  FakeBlockService service;
  BenchOptions options = SmallBench();
  options.working_set_bytes = options.call_bytes() * 2;
  std::vector<client::Hash> first_chain;
  HashChain({1 * kMaxTransferBlocks}, first_chain);
  service.lost_on_get = {first_chain[0]};

  const BenchResult result = RunBench(service, {}, options, {}, Clock::Real());

  const uint64_t missed = result.tally.get.blocks - result.tally.get.good_blocks;
  EXPECT_EQ(result.tally.get.wrong_blocks, 0u);
  EXPECT_GT(missed, 50u);
  EXPECT_LT(missed, 150u) << "one chain of two is read about 100 times";
}

TEST(BenchRun, AWrongByteAtABlocksEdgeIsNoticedWithoutAnyChecksum) {
  FakeBlockService service;
  service.flips_byte_at = 0;

  const BenchResult result = RunBench(service, {}, SmallBench(), {}, Clock::Real());

  EXPECT_EQ(result.tally.get.wrong_blocks, 800u);
}

TEST(BenchRun, EndsAtOnceWhenADaemonDoesNotAnswerWhileItIsFilled) {
  FakeBlockService service;
  service.put_outcome = Outcome::kUnavailable;

  const BenchResult result = RunBench(service, {}, SmallBench(), {}, Clock::Real());

  EXPECT_EQ(result.fill, Outcome::kUnavailable);
  EXPECT_EQ(result.tally.get.calls(), 0u);
  EXPECT_EQ(service.put_sizes.size(), 1u);
}

TEST(BenchRun, AnInterruptEndsItAndKeepsWhatWasCounted) {
  FakeBlockService service;
  BenchOptions options = SmallBench();
  options.count = 0;
  options.duration = absl::Hours(1);
  std::atomic<bool> interrupted{false};
  std::string phases;
  BenchWatch watch{.interrupted = &interrupted};
  watch.progress = [&](const char* phase, double) {
    phases = phase;
    interrupted = phases == "measuring";
  };

  const BenchResult result = RunBench(service, {}, options, watch, Clock::Real());

  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(phases, "measuring");
  EXPECT_GT(result.tally.get.calls(), 0u);
  EXPECT_LT(result.seconds, 60);
}

TEST(BenchOptions, EveryBoundIsNamedAndHoldsAtItsEdge) {
  const auto error = [](auto change) {
    BenchOptions options = SmallBench();
    change(options);
    return std::string(options.Validate().message());
  };

  EXPECT_EQ(error([](BenchOptions&) {}), "");
  EXPECT_THAT(error([](auto& o) { o.block_bytes = 4095; }), HasSubstr("--block-size"));
  EXPECT_THAT(error([](auto& o) { o.block_bytes = (256u << 20) + 1; }), HasSubstr("--block-size"));
  EXPECT_THAT(error([](auto& o) { o.blocks_per_call = 0; }), HasSubstr("--blocks"));
  EXPECT_THAT(error([](auto& o) { o.blocks_per_call = 129; }), HasSubstr("--blocks"));
  EXPECT_THAT(error([](auto& o) { o.callers = 65; }), HasSubstr("--concurrency"));
  EXPECT_THAT(error([](auto& o) { o.read_share = 1.01; }), HasSubstr("--read-share"));
  EXPECT_EQ(error([](auto& o) { o.working_set_bytes = 2 * o.call_bytes(); }), "");
  EXPECT_THAT(error([](auto& o) { o.working_set_bytes = 2 * o.call_bytes() - 1; }),
              HasSubstr("--working-set"));
  EXPECT_THAT(error([](auto& o) { o.working_set_bytes = kMaxWorkingSetBytes + 1; }),
              HasSubstr("--working-set"));
  EXPECT_THAT(error([](auto& o) {
                o.count = 0;
                o.duration = absl::ZeroDuration();
              }),
              HasSubstr("--duration"));
  EXPECT_THAT(error([](auto& o) {
                o.count = 0;
                o.duration = kMaxBenchDuration + absl::Nanoseconds(1);
              }),
              HasSubstr("--duration"));
  EXPECT_THAT(error([](auto& o) { o.warm_up = kMaxBenchDuration + absl::Nanoseconds(1); }),
              HasSubstr("--warm-up"));
  EXPECT_THAT(error([](auto& o) {
                o.block_bytes = 256 << 20;
                o.blocks_per_call = 17;  // 16 are just as many as there is memory for
                o.working_set_bytes = kMaxWorkingSetBytes;
              }),
              HasSubstr("4GiB"));
}

TEST(BenchReport, HasARowPerVerbAndSize) {
  BenchRow row{.options = SmallBench(), .path = "shm"};
  row.result.seconds = 2;
  row.result.client_cpu_s = 0.5;
  row.result.tally.get.outcomes[0] = 10;
  row.result.tally.get.blocks = 40;
  row.result.tally.get.good_blocks = 30;
  row.result.tally.get.bytes = 1'000'000'000;
  Histogram latency;
  latency.Record(1000, 10);
  row.result.tally.get.latency_ns = latency.snapshot();
  row.result.tally.get.longest_ns = 1000;

  const Report report = MakeBenchReport({row});
  const std::string csv = RenderCsv({{report.tables[0]}});

  EXPECT_EQ(report.tables[0].rows.size(), 1u) << "no Put was measured";
  EXPECT_THAT(csv, HasSubstr("Get,shm,4096,10,500000000,1,1,1,1,1,0.75"));
  EXPECT_THAT(RenderCsv({{report.tables[1]}}), HasSubstr("Get,4096,40,30,10,0,0,0,0"));
  EXPECT_THAT(RenderCsv({{report.tables[2]}}), HasSubstr(",0.5,0.5\r\n"));
}

TEST(InterruptFlag, TakesTheFirstSignalAndLeavesTheSecondToTheSystem) {
  const InterruptFlag interrupt;
  EXPECT_FALSE(interrupt.flag());

  std::raise(SIGINT);

  EXPECT_TRUE(interrupt.flag());
  struct sigaction now {};
  sigaction(SIGINT, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(BenchCommand, SaysWhatIsWrongWithItsArguments) {
  const auto error = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    const Ran ran = RunHalflife(arguments);
    EXPECT_EQ(ran.exit_code, 2) << ran.out;
    return ran.err;
  };

  EXPECT_THAT(error({"--path", "tcp"}), HasSubstr("the endpoint is a Unix socket"));
  EXPECT_THAT(error({"--path", "unix", "--endpoint", "127.0.0.1:1"}),
              HasSubstr("not a Unix socket"));
  EXPECT_THAT(error({"--path", "shm", "--fetch"}), HasSubstr("a Fetch goes over the socket"));
  EXPECT_THAT(error({"--block-size", "1MB"}), HasSubstr("1MB"));
  EXPECT_THAT(error({"--block-size", "1MiB,1KiB"}), HasSubstr("--block-size"));
  EXPECT_THAT(error({"--read-share", "2"}), HasSubstr("read-share"));
}

}  // namespace
}  // namespace halflife::tools
