#include "tests/e2e/stopped_readers.h"

#include <chrono>

#include "tests/e2e/raw_rpc.h"

namespace halflife::e2e {

StoppedReaders::StoppedReaders(const std::string& endpoint, int count) {
  for (int i = 0; i < count; ++i) {
    readers_.emplace_back().stub = v1::CacheService::NewStub(Connect(endpoint));
  }
}

StoppedReaders::~StoppedReaders() {
  for (Reader& reader : readers_) End(reader);
}

void StoppedReaders::Ask(const v1::GetRequest& request) {
  for (Reader& reader : readers_) {
    End(reader);
    reader.context = std::make_unique<grpc::ClientContext>();
    reader.context->set_wait_for_ready(true);
    reader.context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    reader.stream = reader.stub->Get(reader.context.get(), request);
  }
}

void StoppedReaders::End(Reader& reader) {
  if (reader.stream == nullptr) return;
  reader.context->TryCancel();
  v1::GetResponse ignored;
  while (reader.stream->Read(&ignored)) {
  }
  reader.stream->Finish();
  reader.stream.reset();
}

}  // namespace halflife::e2e
