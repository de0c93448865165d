#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>
#include <utility>

#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

// More heads than any rate of interest needs; each costs its block ids.
constexpr double kMaxHeads = 100'000;

struct Head {
  uint64_t input_tokens = 0;
  std::vector<uint64_t> blocks;
};

// A first request of a head, or the continuation of a request.
struct Event {
  double due_s = 0;
  uint64_t order = 0;  // breaks ties, so that the sequence does not depend on the heap
  size_t head = 0;
  std::optional<Request> continuation;
};

struct Later {
  bool operator()(const Event& a, const Event& b) const {
    return std::pair(a.due_s, a.order) > std::pair(b.due_s, b.order);
  }
};

class TemplateWorkload final : public RequestSource {
 public:
  TemplateWorkload(TemplateProfile profile, const WorkloadOptions& options)
      : profile_(std::move(profile)), options_(options), random_(options.seed) {
    const double rate = options.rate > 0 ? options.rate : profile_.requests_per_s;
    const double gap_s = profile_.gap_s.Mean();
    heads_.resize(static_cast<size_t>(std::clamp(std::round(rate * gap_s), 1.0, kMaxHeads)));
    for (size_t i = 0; i < heads_.size(); ++i) {
      heads_[i].input_tokens = Tokens(profile_.input_tokens);
      const double head_tokens = profile_.head_share * static_cast<double>(heads_[i].input_tokens);
      AddBlocks(static_cast<uint64_t>(std::round(head_tokens / options_.block_tokens)),
                heads_[i].blocks);
      events_.push(Event{random_.Uniform() * gap_s, order_++, i, std::nullopt});
    }
  }

  absl::StatusOr<bool> Next(Request& request) override {
    if (produced_ == options_.requests) return false;
    Event event = events_.top();
    events_.pop();
    request = event.continuation ? *event.continuation : FirstRequest(event);
    request.time_s = event.due_s;
    request.chat = static_cast<int64_t>(produced_++);
    if (request.turn == 1) request.session = produced_;
    if (request.turn == 1 && random_.Chance(profile_.second_turn)) Continue(event, request);
    if (!event.continuation) {
      event.due_s += profile_.gap_s.Draw(random_);
      event.order = order_++;
      events_.push(std::move(event));
    }
    return true;
  }

  uint32_t block_tokens() const override { return options_.block_tokens; }
  double progress() const override {
    return static_cast<double>(produced_) / static_cast<double>(options_.requests);
  }

 private:
  Request FirstRequest(const Event& event) {
    const Head& head = heads_[event.head];
    Request request;
    request.type = profile_.type;
    request.turn = 1;
    request.stop = profile_.stop;
    request.input_tokens = head.input_tokens;
    request.output_tokens = Tokens(profile_.output_tokens);
    request.blocks = head.blocks;
    const uint64_t full = request.input_tokens / options_.block_tokens;
    request.blocks.resize(std::min<uint64_t>(request.blocks.size(), full));
    AddBlocks(full - request.blocks.size(), request.blocks);
    return request;
  }

  void Continue(const Event& event, Request request) {
    request.parent = request.chat;
    request.previous_stop = request.stop;
    ++request.turn;
    request.input_tokens += Tokens(profile_.gained_tokens);
    request.output_tokens = Tokens(profile_.output_tokens);
    AddBlocks(request.input_tokens / options_.block_tokens - request.blocks.size(), request.blocks);
    const double due_s = event.due_s + profile_.second_turn_gap_s.Draw(random_);
    events_.push(Event{due_s, order_++, event.head, std::move(request)});
  }

  uint64_t Tokens(const Distribution& distribution) {
    return std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(distribution.Draw(random_))));
  }

  void AddBlocks(uint64_t count, std::vector<uint64_t>& blocks) {
    for (uint64_t i = 0; i < count; ++i) blocks.push_back(next_block_++);
  }

  const TemplateProfile profile_;
  const WorkloadOptions options_;
  Random random_;
  uint64_t produced_ = 0;
  uint64_t order_ = 0;
  uint64_t next_block_ = 0;
  std::vector<Head> heads_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
};

}  // namespace

std::unique_ptr<RequestSource> MakeTemplateWorkload(TemplateProfile profile,
                                                    const WorkloadOptions& options) {
  return std::make_unique<TemplateWorkload>(std::move(profile), options);
}

}  // namespace halflife::tools
