// What no client of ours would send: every RPC gets noise, cut messages, fields at their limits and
// counts that lie. The daemon refuses with a reason and lives.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "common/limits.h"
#include "common/strings.h"
#include "halflife/v1/cache.pb.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/raw_rpc.h"
#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

constexpr char kCache[] = "/halflife.v1.CacheService/";
constexpr char kAdmin[] = "/halflife.v1.AdminService/";
constexpr uint64_t kBlockBytes = 4096;
constexpr uint32_t kParts = 2;

v1::NamespaceDescriptor GoodDescriptor() {
  v1::NamespaceDescriptor descriptor;
  descriptor.set_engine("e2e");
  descriptor.set_model_name("bad-input");
  descriptor.set_tokens_per_block(16);
  descriptor.set_block_bytes(kBlockBytes);
  descriptor.set_parts(kParts);
  descriptor.set_hash_scheme(v1::HASH_SCHEME_HALFLIFE);
  return descriptor;
}

class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(daemon_.Start().ok()) << daemon_.LogTail();
    channel_ = Connect(daemon_.endpoint());
    v1::OpenNamespaceRequest request;
    *request.mutable_namespace_descriptor() = GoodDescriptor();
    const RawReply reply = Call("OpenNamespace", request.SerializeAsString());
    ASSERT_TRUE(reply.status.ok()) << reply.status.error_message();
    v1::OpenNamespaceResponse response;
    ASSERT_TRUE(response.ParseFromString(reply.messages.at(0)));
    ns_ = response.namespace_id();
  }

  void TearDown() override {
    EXPECT_TRUE(Ready(channel_, absl::Seconds(10)));
    EXPECT_EQ(ConservationDifference(channel_), "");
    EXPECT_TRUE(daemon_.Terminate().ok()) << daemon_.LogTail();
  }

  RawReply Call(const std::string& method, const std::string& message) {
    return RawCall(channel_, kCache + method, {message}, absl::Seconds(20));
  }

  std::string Hashes(size_t count) const {
    std::string hashes;
    for (size_t i = 0; i < count; ++i) {
      std::string hash(32, 'h');
      memcpy(hash.data(), &i, sizeof i);
      hashes += hash;
    }
    return hashes;
  }
  v1::Chain ChainOf(size_t count) const {
    v1::Chain chain;
    chain.set_hashes(Hashes(count));
    return chain;
  }

  v1::LookupRequest GoodLookup(size_t blocks = 2) const {
    v1::LookupRequest request;
    request.set_namespace_id(ns_);
    *request.mutable_chain() = ChainOf(blocks);
    request.mutable_attributes()->set_app("chat");
    (*request.mutable_attributes()->mutable_labels())["team"] = "a";
    request.mutable_parts()->set_count(kParts);
    request.set_pin(true);
    return request;
  }
  v1::GetRequest GoodGet(size_t blocks = 2) const {
    v1::GetRequest request;
    request.set_namespace_id(ns_);
    *request.mutable_chain() = ChainOf(blocks);
    request.set_order(v1::ORDER_DESC);
    return request;
  }
  v1::PutRequest GoodPutHeader(size_t blocks = 2) const {
    v1::PutRequest request;
    request.mutable_header()->set_namespace_id(ns_);
    *request.mutable_header()->mutable_chain() = ChainOf(blocks);
    return request;
  }
  v1::PutRequest SomeFrame() const {
    v1::PutRequest request;
    v1::Frame& frame = *request.mutable_frame();
    frame.set_block_bytes(kBlockBytes);
    frame.set_checksum(std::string(16, 'c'));
    frame.set_payload(std::string(kBlockBytes, 'p'));
    return request;
  }

  // A valid message for every method.
  std::vector<std::pair<std::string, std::string>> GoodMessages() const {
    v1::OpenNamespaceRequest open;
    *open.mutable_namespace_descriptor() = GoodDescriptor();
    v1::ReleaseRequest release;
    release.set_lease_id(0x0123456789abcdef);
    v1::RenewRequest renew;
    renew.set_lease_id(0x0123456789abcdef);
    renew.set_lease_ms(1000);
    v1::TouchRequest touch;
    touch.set_namespace_id(ns_);
    *touch.mutable_chain() = ChainOf(2);
    v1::DeleteRequest erase;
    erase.set_namespace_id(ns_);
    *erase.mutable_chain() = ChainOf(2);
    return {
        {"OpenNamespace", open.SerializeAsString()}, {"Lookup", GoodLookup().SerializeAsString()},
        {"Get", GoodGet().SerializeAsString()},      {"Put", GoodPutHeader().SerializeAsString()},
        {"Release", release.SerializeAsString()},    {"Renew", renew.SerializeAsString()},
        {"Touch", touch.SerializeAsString()},        {"Delete", erase.SerializeAsString()}};
  }

  ScratchDirectory scratch_{"bad-input"};
  Daemon daemon_{{.directory = scratch_.path()}};
  std::shared_ptr<grpc::Channel> channel_;
  std::string ns_;
};

// Answers that a bad request may get: never INTERNAL, UNKNOWN, UNAVAILABLE (a crash) or
// DEADLINE_EXCEEDED (a hang).
bool IsAnAnswer(const grpc::Status& status) {
  switch (status.error_code()) {
    case StatusCode::OK:
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::FAILED_PRECONDITION:
    case StatusCode::ABORTED:
    case StatusCode::NOT_FOUND:
    case StatusCode::DATA_LOSS:
    case StatusCode::RESOURCE_EXHAUSTED:
      return true;
    default:
      return false;
  }
}

TEST_F(BadInputTest, NoiseToEveryMethodIsAnswered) {
  std::mt19937_64 random(7);
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    for (const auto& [method, good] : GoodMessages()) {
      std::string noise(random() % 300, '\0');
      for (char& byte : noise) byte = static_cast<char>(random());
      const RawReply reply = Call(method, noise);
      EXPECT_TRUE(IsAnAnswer(reply.status))
          << method << ": " << reply.status.error_code() << " " << reply.status.error_message();
      refused += !reply.status.ok();
    }
    // Drain is left out: an empty message is a valid one, and the daemon would obey.
    for (const char* method : {"GetStats", "ListNamespaces", "GetConfig", "CheckConservation"}) {
      const std::string noise(random() % 100, static_cast<char>(random()));
      const auto code =
          RawCall(channel_, std::string(kAdmin) + method, {noise}).status.error_code();
      // Parsed by gRPC's own code: 1.51 calls a malformed message UNIMPLEMENTED, later ones
      // INTERNAL.
      EXPECT_TRUE(code == StatusCode::OK || code == StatusCode::INTERNAL ||
                  code == StatusCode::UNIMPLEMENTED)
          << method << " " << code;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(BadInputTest, GoodMessagesWithFlippedBitsAreAnswered) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    for (auto [method, message] : GoodMessages()) {
      for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
        message[random() % message.size()] ^= 1 << random() % 8;
      }
      const RawReply reply = Call(method, message);
      EXPECT_TRUE(IsAnAnswer(reply.status))
          << method << ": " << reply.status.error_code() << " " << reply.status.error_message();
    }
  }
}

TEST_F(BadInputTest, MessagesCutAtEveryLengthAreAnswered) {
  for (const auto& [method, message] : GoodMessages()) {
    for (size_t length = 0; length < message.size(); ++length) {
      const RawReply reply = Call(method, message.substr(0, length));
      EXPECT_TRUE(IsAnAnswer(reply.status))
          << method << " cut to " << length << ": " << reply.status.error_code() << " "
          << reply.status.error_message();
    }
  }
}

TEST_F(BadInputTest, APutFrameCutAtManyLengthsIsAnswered) {
  const std::string frame = SomeFrame().SerializeAsString();
  for (size_t length = 0; length < frame.size(); length += length < 64 ? 1 : 61) {
    const RawReply reply = RawCall(channel_, std::string(kCache) + "Put",
                                   {GoodPutHeader().SerializeAsString(), frame.substr(0, length)});
    EXPECT_TRUE(IsAnAnswer(reply.status)) << length << ": " << reply.status.error_message();
    EXPECT_NE(reply.status.error_code(), StatusCode::OK) << length;
  }
}

TEST_F(BadInputTest, APutOutOfOrderIsRefusedWithAReason) {
  const std::string put = std::string(kCache) + "Put";
  const std::string header = GoodPutHeader().SerializeAsString();
  const auto frame_with = [&](const std::function<void(v1::Frame&)>& change) {
    v1::PutRequest request = SomeFrame();
    change(*request.mutable_frame());
    return request.SerializeAsString();
  };
  const std::pair<const char*, std::vector<std::string>> kCases[] = {
      {"nothing", {}},
      {"frame first", {SomeFrame().SerializeAsString()}},
      {"two headers", {header, header}},
      {"empty message", {header, ""}},
      {"index", {header, frame_with([](v1::Frame& f) { f.set_index(2); })}},
      {"huge index", {header, frame_with([](v1::Frame& f) { f.set_index(UINT32_MAX); })}},
      {"part", {header, frame_with([](v1::Frame& f) { f.set_part(kParts); })}},
      {"offset", {header, frame_with([](v1::Frame& f) { f.set_offset(1); })}},
      {"huge offset", {header, frame_with([](v1::Frame& f) { f.set_offset(UINT64_MAX); })}},
      {"length", {header, frame_with([](v1::Frame& f) { f.set_block_bytes(kBlockBytes + 1); })}},
      {"too many bytes",
       {header, frame_with([](v1::Frame& f) { f.mutable_payload()->append("x"); })}},
      {"short checksum", {header, frame_with([](v1::Frame& f) { f.set_checksum("short"); })}},
  };
  for (const auto& [what, messages] : kCases) {
    const RawReply reply = RawCall(channel_, put, messages);
    EXPECT_EQ(reply.status.error_code(), StatusCode::INVALID_ARGUMENT)
        << what << ": " << reply.status.error_message();
    EXPECT_GT(reply.status.error_message().size(), 10u) << what;
  }
}

// One request, what it must be answered, and a word that the reason must contain.
struct LimitCase {
  const char* method;
  std::string message;
  StatusCode code;
  const char* reason;
};

TEST_F(BadInputTest, EveryCountHoldsAtItsLimitAndIsRefusedBeyond) {
  const auto lookup = [&](const std::function<void(v1::LookupRequest&)>& change) {
    v1::LookupRequest request = GoodLookup();
    request.set_pin(false);
    change(request);
    return request.SerializeAsString();
  };
  const auto get = [&](size_t blocks) { return GoodGet(blocks).SerializeAsString(); };
  constexpr auto kOk = StatusCode::OK, kBad = StatusCode::INVALID_ARGUMENT;
  const size_t pairs = kMaxTransferBlocks / kParts;
  const std::vector<LimitCase> cases = {
      {"Lookup", GoodLookup(kMaxChainBlocks - 1).SerializeAsString(), kOk, ""},
      {"Lookup", GoodLookup(kMaxChainBlocks).SerializeAsString(), kOk, ""},
      {"Lookup", GoodLookup(kMaxChainBlocks + 1).SerializeAsString(), kBad, "8192"},
      {"Get", get(pairs - 1), kOk, ""},
      {"Get", get(pairs), kOk, ""},
      {"Get", get(pairs + 1), kBad, "128"},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->mutable_hashes()->pop_back(); }), kBad,
       "32"},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->clear_hashes(); }), kBad, "hash"},
      {"Lookup", lookup([](auto& r) { r.clear_prefix(); }), kBad, "prefix"},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->set_group(kMaxGroups - 1); }), kOk, ""},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->set_group(kMaxGroups); }), kBad, "group"},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->set_first_depth(UINT32_MAX); }), kBad,
       "depth"},
      {"Lookup", lookup([](auto& r) { r.mutable_chain()->set_parent("p"); }), kBad, "parent"},
      {"Lookup", lookup([](auto& r) { r.mutable_parts()->set_first(kParts); }), kBad, "part"},
      {"Lookup", lookup([](auto& r) { r.mutable_parts()->set_count(UINT32_MAX); }), kBad, "part"},
      {"Lookup", lookup([](auto& r) { r.set_namespace_id(std::string(31, 'n')); }), kBad, "32"},
      {"Lookup", lookup([](auto& r) { r.set_namespace_id(std::string(32, 'n')); }),
       StatusCode::FAILED_PRECONDITION, "namespace"},
      {"Lookup", lookup([](auto& r) { r.mutable_attributes()->set_app(std::string(128, 'a')); }),
       kOk, ""},
      {"Lookup", lookup([](auto& r) { r.mutable_attributes()->set_app(std::string(129, 'a')); }),
       kBad, "app"},
      {"Lookup", lookup([](auto& r) { r.set_pin(true), r.set_lease_ms(30'000); }), kOk, ""},
      {"Lookup", lookup([](auto& r) { r.set_pin(true), r.set_lease_ms(30'001); }), kBad, "lease"},
  };
  for (const LimitCase& one : cases) {
    const RawReply reply = Call(one.method, one.message);
    EXPECT_EQ(reply.status.error_code(), one.code)
        << one.method << " '" << one.reason << "': " << reply.status.error_message();
    EXPECT_THAT(reply.status.error_message(), HasSubstr(one.reason));
  }
}

TEST_F(BadInputTest, TokensAndLabelsHoldAtTheirLimits) {
  const auto tokens = [&](uint32_t count) {
    v1::LookupRequest request = GoodLookup();
    for (uint32_t i = 0; i < count; ++i) request.mutable_tokens()->add_ids(i % 7);
    return Call("Lookup", request.SerializeAsString()).status;
  };
  // 16 tokens a block: the chain's limit comes first.
  EXPECT_TRUE(tokens(kMaxChainBlocks * 16).ok());
  EXPECT_EQ(tokens((kMaxChainBlocks + 1) * 16).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(tokens(kMaxLookupTokens + 1).error_code(), StatusCode::INVALID_ARGUMENT);
  for (const size_t count : {kMaxAttributeLabels, kMaxAttributeLabels + 1}) {
    v1::LookupRequest request = GoodLookup();
    request.mutable_attributes()->clear_labels();
    for (size_t i = 0; i < count; ++i) {
      (*request.mutable_attributes()->mutable_labels())[StrCat("label", i)] = "x";
    }
    const RawReply reply = Call("Lookup", request.SerializeAsString());
    EXPECT_EQ(reply.status.ok(), count == kMaxAttributeLabels) << reply.status.error_message();
  }
}

TEST_F(BadInputTest, EveryFieldOfADescriptorHoldsAtItsLimits) {
  struct DescriptorCase {
    std::function<void(v1::NamespaceDescriptor&)> change;
    bool ok;
    const char* reason;
  };
  const std::string longest(kMaxDescriptorStringBytes, 'd');
  const std::vector<DescriptorCase> cases = {
      {[&](auto& d) { d.set_engine(longest); }, true, ""},
      {[&](auto& d) { d.set_engine(longest + "d"); }, false, "engine"},
      {[&](auto& d) { d.set_user_tag(longest + "d"); }, false, "user_tag"},
      {[&](auto& d) { d.clear_model_name(); }, false, "model_name"},
      {[&](auto& d) { d.set_block_bytes(kMinBlockBytes - 1); }, false, "block_bytes"},
      {[&](auto& d) { d.set_block_bytes(kMinBlockBytes + 1); }, true, ""},
      {[&](auto& d) { d.set_block_bytes(kDefaultMaxBlockBytes); }, true, ""},
      {[&](auto& d) { d.set_block_bytes(kMaxBlockBytes + 1); }, false, "block_bytes"},
      {[&](auto& d) { d.set_block_bytes(UINT64_MAX); }, false, "block_bytes"},
      {[&](auto& d) { d.set_parts(kMaxParts); }, true, ""},
      {[&](auto& d) { d.set_parts(kMaxParts + 1); }, false, "parts"},
      {[&](auto& d) { d.set_tokens_per_block(0); }, false, "tokens_per_block"},
      {[&](auto& d) { d.set_hash_seed("short"); }, false, "hash_seed"},
      {[&](auto& d) { d.set_hash_scheme(static_cast<v1::HashScheme>(99)); }, false, "hash_scheme"},
  };
  for (const DescriptorCase& one : cases) {
    v1::OpenNamespaceRequest request;
    *request.mutable_namespace_descriptor() = GoodDescriptor();
    one.change(*request.mutable_namespace_descriptor());
    const RawReply reply = Call("OpenNamespace", request.SerializeAsString());
    EXPECT_EQ(reply.status.error_code(), one.ok ? StatusCode::OK : StatusCode::INVALID_ARGUMENT)
        << one.reason << ": " << reply.status.error_message();
    EXPECT_THAT(reply.status.error_message(), HasSubstr(one.reason));
  }
}

TEST_F(BadInputTest, AMessageAboveFourMebibytesIsRefused) {
  const std::string large(kMaxMessageBytes + 1, '\0');

  EXPECT_EQ(Call("Lookup", large).status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(BadInputTest, UnknownMethodsAreUnimplemented) {
  EXPECT_EQ(Call("Format", "").status.error_code(), StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace halflife::e2e
