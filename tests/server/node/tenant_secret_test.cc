#include "server/tenant_secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

class TenantSecretTest : public ::testing::Test {
 protected:
  void WriteSecret(const std::string& bytes, mode_t mode) {
    WriteText(scratch_ / "secret", bytes);
    chmod((scratch_ / "secret").c_str(), mode);
  }
  absl::StatusOr<TenantSecret> Configured() {
    return LoadTenantSecret({.file = scratch_ / "secret", .default_file = ""});
  }

  Scratch scratch_;
};

TEST_F(TenantSecretTest, TheDefaultFileIsMadeOnceAndKept) {
  const TenantSecretSource source{.file = "", .default_file = scratch_ / "tenant.secret"};

  const auto first = LoadTenantSecret(source);
  const auto second = LoadTenantSecret(source);

  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->bytes, second->bytes);
  struct stat facts;
  ASSERT_EQ(stat(source.default_file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(TenantSecretTest, WithoutAFileItIsRandomEachTime) {
  EXPECT_NE(LoadTenantSecret({})->bytes, LoadTenantSecret({})->bytes);
}

TEST_F(TenantSecretTest, AConfiguredFileIsRead) {
  WriteSecret(std::string(32, 'k'), 0400);

  EXPECT_EQ(Configured()->bytes[31], 'k');
}

TEST_F(TenantSecretTest, AFileThatOthersCanReadIsRefusedWithTheRemedy) {
  for (const mode_t mode : {0644, 0660, 0604, 0420}) {
    WriteSecret(std::string(32, 'k'), mode);

    const auto secret = Configured();

    EXPECT_EQ(secret.status().code(), absl::StatusCode::kInvalidArgument) << std::oct << mode;
    EXPECT_THAT(std::string(secret.status().message()), HasSubstr("chmod 0400"));
  }
}

TEST_F(TenantSecretTest, AFileOfAnotherLengthIsRefused) {
  for (const size_t size : {0, 31, 33}) {
    WriteSecret(std::string(size, 'k'), 0600);

    EXPECT_THAT(std::string(Configured().status().message()), HasSubstr("must have 32"));
  }
}

TEST_F(TenantSecretTest, AMissingConfiguredFileAndADirectoryAreRefused) {
  EXPECT_EQ(Configured().status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::create_directory(scratch_ / "secret");
  EXPECT_EQ(Configured().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace halflife
