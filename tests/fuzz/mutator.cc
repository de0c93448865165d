#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <cstring>

namespace halflife {
namespace {

// Where integers, lengths and UTF-8 go wrong.
constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xbf, 0xc0, 0xf4, 0xff, '\n', '"', '-', '|'};

}  // namespace

std::string Mutator::Next() {
  std::string bytes = corpus_[Below(corpus_.size())];
  const size_t changes = 1 + Below(6);
  for (size_t change = 0; change < changes; ++change) ChangeOnce(bytes);
  if (bytes.size() > kMaxBytes) bytes.resize(kMaxBytes);
  return bytes;
}

void Mutator::ChangeOnce(std::string& bytes) {
  const size_t at = Below(bytes.size());
  const size_t length = std::min(bytes.size() - at, 1 + Below(32));
  switch (Below(8)) {
    case 0:  // one bit
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(kEdges[Below(std::size(kEdges))]);
      break;
    case 2:  // a small step in a number
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] + (Below(2) == 0 ? 1 : -1));
      break;
    case 3:
      bytes.resize(at);
      break;
    case 4:
      bytes.erase(at, length);
      break;
    case 5: {
      std::string noise(1 + Below(16), '\0');
      for (char& c : noise) c = static_cast<char>(random_());
      bytes.insert(at, noise);
      break;
    }
    case 6:  // the same piece again
      bytes.insert(at, bytes.substr(at, length));
      break;
    default: {  // the tail of another input
      const std::string& other = corpus_[Below(corpus_.size())];
      bytes = bytes.substr(0, at) + other.substr(Below(other.size() + 1));
    }
  }
}

}  // namespace halflife
