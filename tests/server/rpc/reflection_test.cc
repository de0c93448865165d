#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "halflife/v1/admin.pb.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

namespace v1alpha = grpc::reflection::v1alpha;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Reflection : public RpcFixture {
 protected:
  void SetUp() override {
    StartServer();
    reflection_ = v1alpha::ServerReflection::NewStub(channel_);
    stream_ = reflection_->ServerReflectionInfo(&context_);
  }
  void TearDown() override {
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
  }
  // All questions of a test go over one stream, as grpcurl's do.
  v1alpha::ServerReflectionResponse Ask(const v1alpha::ServerReflectionRequest& request) {
    v1alpha::ServerReflectionResponse response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }
  static std::vector<std::string> FileNamesOf(const v1alpha::ServerReflectionResponse& response) {
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  grpc::ClientContext context_;
  std::unique_ptr<v1alpha::ServerReflection::Stub> reflection_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>
      stream_;
};

TEST_F(Reflection, ListsEveryServiceWithItself) {
  v1alpha::ServerReflectionRequest request;
  request.set_list_services("*");
  request.set_host("somewhere");

  const auto response = Ask(request);

  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, IsSupersetOf({"halflife.v1.CacheService", "grpc.health.v1.Health",
                                   "grpc.reflection.v1alpha.ServerReflection"}));
  EXPECT_EQ(response.valid_host(), "somewhere");
}

TEST_F(Reflection, AServiceAMethodAndAMessageLeadToTheFileThatDeclaresThem) {
  for (const char* symbol : {"halflife.v1.CacheService", "halflife.v1.CacheService.Lookup",
                             "halflife.v1.LookupRequest"}) {
    v1alpha::ServerReflectionRequest request;
    request.set_file_containing_symbol(symbol);
    EXPECT_EQ(FileNamesOf(Ask(request)).front(), "halflife/v1/cache.proto") << symbol;
  }
}

TEST_F(Reflection, AFileComesWithWhatItImports) {
  v1alpha::ServerReflectionRequest request;
  request.set_file_by_filename(v1::GetStatsRequest::descriptor()->file()->name());

  EXPECT_THAT(FileNamesOf(Ask(request)),
              IsSupersetOf({"halflife/v1/admin.proto", "halflife/v1/cache.proto"}));
}

TEST_F(Reflection, WhatIsNotThereIsAnErrorOfThatQuestionAlone) {
  v1alpha::ServerReflectionRequest symbol, file, extension, numbers, nothing, right;
  symbol.set_file_containing_symbol("halflife.v1.Nobody");
  file.set_file_by_filename("nowhere.proto");
  extension.mutable_file_containing_extension()->set_containing_type("halflife.v1.LookupRequest");
  extension.mutable_file_containing_extension()->set_extension_number(7);
  numbers.set_all_extension_numbers_of_type("halflife.v1.Nobody");
  right.set_file_containing_symbol("halflife.v1.LookupRequest");

  for (const auto& request : {symbol, file, extension, numbers}) {
    EXPECT_EQ(Ask(request).error_response().error_code(), grpc::NOT_FOUND);
  }
  EXPECT_THAT(Ask(symbol).error_response().error_message(), HasSubstr("halflife.v1.Nobody"));
  EXPECT_EQ(Ask(nothing).error_response().error_code(), grpc::UNIMPLEMENTED);
  EXPECT_FALSE(Ask(right).has_error_response());
}

TEST_F(Reflection, AMessageWithoutExtensionsHasNoNumbers) {
  v1alpha::ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("halflife.v1.LookupRequest");

  const auto response = Ask(request);

  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(),
            "halflife.v1.LookupRequest");
  EXPECT_EQ(response.all_extension_numbers_response().extension_number_size(), 0);
}

TEST_F(Reflection, ALongNameIsRefused) {
  v1alpha::ServerReflectionRequest request;
  request.set_file_containing_symbol(std::string(5000, 'x'));
  grpc::ClientContext context;
  const auto stream = reflection_->ServerReflectionInfo(&context);

  EXPECT_TRUE(stream->Write(request));
  v1alpha::ServerReflectionResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::INVALID_ARGUMENT);
}

using ReflectionAtTheEnd = RpcFixture;

TEST_F(ReflectionAtTheEnd, AStreamThatAsksNothingMoreDoesNotHoldUpTheStop) {
  StartServer();
  const auto stub = v1alpha::ServerReflection::NewStub(channel_);
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  v1alpha::ServerReflectionRequest request;
  request.set_list_services("*");
  v1alpha::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));

  server_->Shutdown(absl::ZeroDuration());

  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace halflife
