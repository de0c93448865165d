#pragma once

namespace rocksdb {
class Env;
}

namespace halflife {

class SlotIo;

// Where tests put their own disk under the SSD tier. Everything is borrowed and outlives the tier;
// null means the real one.
struct SsdSeams {
  rocksdb::Env* rocks_env = nullptr;
  SlotIo* slot_io = nullptr;
};

}  // namespace halflife
