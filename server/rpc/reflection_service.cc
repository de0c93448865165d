#include "server/rpc/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <utility>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

namespace halflife {
namespace {

namespace v1alpha = grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

// A question is a name. It comes back with the answer, so a long one is worth nothing to anybody.
constexpr size_t kMaxRequestBytes = 4096;

void SetError(grpc::StatusCode code, const std::string& message,
              v1alpha::ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(message);
}

void AddWithImports(const FileDescriptor& file, std::set<std::string>* added,
                    v1alpha::FileDescriptorResponse* response) {
  if (!added->insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddWithImports(*file.dependency(i), added, response);
  }
}

// `file` is null if there is none.
void AnswerWith(const FileDescriptor* file, const std::string& asked,
                v1alpha::ServerReflectionResponse* response) {
  if (file == nullptr) {
    SetError(grpc::NOT_FOUND, "reflection: nothing here is called \"" + asked + "\"", response);
    return;
  }
  std::set<std::string> added;
  AddWithImports(*file, &added, response->mutable_file_descriptor_response());
}

void AnswerExtension(const v1alpha::ExtensionRequest& request,
                     v1alpha::ServerReflectionResponse* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(request.containing_type());
  const auto* extension =
      type == nullptr ? nullptr : pool.FindExtensionByNumber(type, request.extension_number());
  AnswerWith(extension == nullptr ? nullptr : extension->file(),
             request.containing_type() + ":" + std::to_string(request.extension_number()),
             response);
}

void AnswerExtensionNumbers(const std::string& name, v1alpha::ServerReflectionResponse* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(name);
  if (type == nullptr) return AnswerWith(nullptr, name, response);
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  auto& numbers = *response->mutable_all_extension_numbers_response();
  numbers.set_base_type_name(name);
  for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

class ReflectionService final : public v1alpha::ServerReflection::CallbackService {
 public:
  explicit ReflectionService(std::vector<std::string> services) : services_(std::move(services)) {}

  grpc::ServerBidiReactor<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

  void Answer(const v1alpha::ServerReflectionRequest& request,
              v1alpha::ServerReflectionResponse* response) const;

 private:
  const std::vector<std::string> services_;
};

void ReflectionService::Answer(const v1alpha::ServerReflectionRequest& request,
                               v1alpha::ServerReflectionResponse* response) const {
  using Request = v1alpha::ServerReflectionRequest;
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response->Clear();
  response->set_valid_host(request.host());
  *response->mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      return AnswerWith(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                        response);
    case Request::kFileContainingSymbol:
      return AnswerWith(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                        request.file_containing_symbol(), response);
    case Request::kFileContainingExtension:
      return AnswerExtension(request.file_containing_extension(), response);
    case Request::kAllExtensionNumbersOfType:
      return AnswerExtensionNumbers(request.all_extension_numbers_of_type(), response);
    case Request::kListServices:
      for (const std::string& name : services_) {
        response->mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case Request::MESSAGE_REQUEST_NOT_SET:
      return SetError(grpc::UNIMPLEMENTED, "reflection: the request asks for nothing", response);
  }
}

// One call: a question, its answer, the next question. Owns itself.
class ReflectionStream final : public grpc::ServerBidiReactor<v1alpha::ServerReflectionRequest,
                                                              v1alpha::ServerReflectionResponse> {
 public:
  explicit ReflectionStream(const ReflectionService* service) : service_(service) {
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (request_.ByteSizeLong() > kMaxRequestBytes) {
      return Finish({grpc::INVALID_ARGUMENT, "reflection: a request of more than " +
                                                 std::to_string(kMaxRequestBytes) + " bytes"});
    }
    service_->Answer(request_, &response_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  const ReflectionService* const service_;
  v1alpha::ServerReflectionRequest request_;
  v1alpha::ServerReflectionResponse response_;
};

grpc::ServerBidiReactor<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>*
ReflectionService::ServerReflectionInfo(grpc::CallbackServerContext* /*context*/) {
  return new ReflectionStream(this);
}

}  // namespace

std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services) {
  services.emplace_back(v1alpha::ServerReflection::service_full_name());
  return std::make_unique<ReflectionService>(std::move(services));
}

}  // namespace halflife
