// A cache directory that was lost, emptied or overwritten must not keep the daemon down, nor make
// it lie.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/e2e/daemon.h"
#include "tests/e2e/raw_rpc.h"
#include "tests/e2e/scratch_directory.h"
#include "tests/e2e/tracked_client.h"

namespace halflife::e2e {
namespace {

namespace fs = std::filesystem;

class HostileDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.Start().ok()) << daemon_.LogTail();
    client::Options options;
    options.endpoint = daemon_.endpoint();
    options.lookup_budget = options.get_budget = options.put_budget = std::chrono::seconds(5);
    options.breaker_open_max = std::chrono::milliseconds(250);
    client_ = client::Client::Open(options);
    ASSERT_TRUE(client_->Healthy(std::chrono::seconds(20)));
    blocks_ = std::make_unique<TrackedClient>(client_.get(), &tracker_, &population_);
    PutAll();
  }

  void PutAll() {
    for (uint32_t family = 0; family < population_.families().size(); ++family) {
      for (uint32_t chain = 0; chain < population_.family(family).chains; ++chain) {
        blocks_->Put(population_.WholeChain(family, chain));
      }
    }
  }

  // Right (block, part) pairs of everything that was ever put.
  uint32_t GetAll() {
    uint32_t right = 0;
    for (uint32_t family = 0; family < population_.families().size(); ++family) {
      for (uint32_t chain = 0; chain < population_.family(family).chains; ++chain) {
        const auto read = blocks_->Get(population_.WholeChain(family, chain),
                                       {.order = client::Order::kDescending});
        EXPECT_EQ(read.wrong + read.revived, 0u) << tracker_.last_complaint();
        right += read.right;
      }
    }
    return right;
  }

  void ForEachFile(const std::function<void(const fs::path&)>& visit) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(daemon_.ssd_directory())) {
      const bool spared = entry.path().filename().string().find("secret") != std::string::npos;
      if (entry.is_regular_file() && !spared) files.push_back(entry.path());
    }
    ASSERT_GT(files.size(), 8u);
    for (const fs::path& file : files) visit(file);
  }

  // Stops it, does `harm`, starts it: it must take and serve blocks again.
  void ExpectServiceAfter(const std::function<void()>& harm) {
    ASSERT_TRUE(daemon_.Terminate().ok()) << daemon_.LogTail();
    harm();
    ASSERT_TRUE(daemon_.Start().ok()) << daemon_.LogTail();
    ASSERT_TRUE(client_->Healthy(std::chrono::seconds(5)));
    GetAll();
    PutAll();
    EXPECT_GT(GetAll(), 50u);
    EXPECT_TRUE(Ready(Connect(daemon_.endpoint()), absl::Seconds(5)));
    EXPECT_TRUE(daemon_.Terminate().ok()) << daemon_.LogTail();
  }

  const Population population_{{
      {.name = "small", .block_bytes = 4096, .chains = 8, .depth = 32},
      {.name = "large", .block_bytes = 512 << 10, .chains = 24, .depth = 16},
  }};
  ScratchDirectory scratch_{"hostile-disk"};
  Daemon daemon_{{.directory = scratch_.path()}};
  ValueTracker tracker_;
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<TrackedClient> blocks_;
};

TEST_F(HostileDiskTest, EveryFileOverwrittenWithZeros) {
  ExpectServiceAfter([&] {
    ForEachFile([](const fs::path& file) {
      const auto size = fs::file_size(file);
      std::ofstream(file, std::ios::binary | std::ios::trunc);
      fs::resize_file(file, size);
    });
  });
}

TEST_F(HostileDiskTest, EveryFileCutInHalf) {
  ExpectServiceAfter([&] {
    ForEachFile([](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); });
  });
}

TEST_F(HostileDiskTest, EveryFileReplacedByANonEmptyDirectory) {
  ExpectServiceAfter([&] {
    ForEachFile([](const fs::path& file) {
      // The locks and the list of starts are refused with a message: that is no damage, but a
      // mistake.
      const bool own = file.extension() == ".halflife" || file.filename() == "LOCK.ssd";
      if (own) return;
      fs::remove(file);
      fs::create_directories(file / "inside");
    });
  });
}

TEST_F(HostileDiskTest, TheDirectoryRemoved) {
  ExpectServiceAfter([&] { fs::remove_all(daemon_.ssd_directory()); });
}

TEST_F(HostileDiskTest, ALostSecretMakesEveryOldBlockAMiss) {
  ASSERT_TRUE(daemon_.Terminate().ok()) << daemon_.LogTail();
  const fs::path secret = fs::path(daemon_.ssd_directory()) / "tenant.secret";
  ASSERT_TRUE(fs::remove(secret));

  ASSERT_TRUE(daemon_.Start().ok()) << daemon_.LogTail();

  ASSERT_TRUE(client_->Healthy(std::chrono::seconds(5)));
  EXPECT_EQ(GetAll(), 0u);
  PutAll();
  EXPECT_GT(GetAll(), 50u);
}

TEST_F(HostileDiskTest, EveryFileDeletedUnderARunningDaemon) {
  ForEachFile([](const fs::path& file) { fs::remove(file); });

  // What is in DRAM is served, what is asked for again is taken, and it ends cleanly.
  GetAll();
  PutAll();
  EXPECT_GT(GetAll(), 50u);
  EXPECT_TRUE(daemon_.running() && !daemon_.EndsWithin(absl::ZeroDuration())) << daemon_.LogTail();
  ExpectServiceAfter([] {});
}

}  // namespace
}  // namespace halflife::e2e
