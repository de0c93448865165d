"""Plants one violation of every rule in a small tree and asks that scripts/tidy.py names each, and nothing else."""
import subprocess
import sys
import tempfile
from pathlib import Path

LONG_FUNCTION = "void F() {\n" + "  G();\n" * 70 + "}\n"
CLEAN = '#pragma once\n#include "common/a.h"\n// sleep( and absl::Mutex in a comment do not count {\nint F(int a, int b);\n'

# path: (text, part of the expected finding or None)
TREE = {
    "common/a.h": ("#pragma once\n", None),
    "common/up.h": ('#include "storage/s.h"\n', "common/up.h:1: includes storage/s.h"),
    "storage/s.h": (CLEAN, None),
    "storage/grpc.cc": ("#include <grpcpp/grpcpp.h>\n", "storage/grpc.cc:1: includes grpcpp/grpcpp.h"),
    "storage/proto.cc": ('#include "proto/wire/x.h"\n', "storage/proto.cc:1: includes proto/wire/x.h"),
    "storage/index/rocks.cc": ('#include "rocksdb/db.h"\n', "storage/index/rocks.cc:1: includes rocksdb/db.h"),
    "storage/tiers/rocks.cc": ('#include "rocksdb/db.h"\n', None),
    "client/up.cc": ('#include "server/s.h"\n', "client/up.cc:1: includes server/s.h"),
    "server/yaml.cc": ("#include <yaml-cpp/yaml.h>\n", "server/yaml.cc:1: includes yaml-cpp/yaml.h"),
    "server/long.cc": (LONG_FUNCTION, "server/long.cc:1: function of 72 lines"),
    "server/screen.cc": (LONG_FUNCTION.replace("  G();\n", "", 2), None),
    "server/many.cc": ("int F(int a, int b, int c, int d, int e, int f, int g) {\n  return a;\n}\n",
                       "server/many.cc:1: function with 7 parameters"),
    "server/six.cc": ("int F(int a, int b, std::map<int, int> c, int d, int e, int f) {\n  return a;\n}\n", None),
    "server/huge.cc": ("// line\n" * 501, "server/huge.cc:1: 501 lines"),
    "tests/sleep.cc": ("void F() {\n  absl::SleepFor(x);\n}\n", "tests/sleep.cc:2: sleep"),
    "server/mutex.cc": ("absl::Mutex m;\n", "server/mutex.cc:1: absl::Mutex"),
    "server/thread.cc": ("std::thread t;\n", "server/thread.cc:1: std::thread"),
    "server/env.cc": ('char* e = getenv("A");\n', "server/env.cc:1: getenv"),
    "tools/todo.cc": ("// TODO: later\n", "tools/todo.cc:1: TODO"),
}


def main():
    with tempfile.TemporaryDirectory() as root:
        for name, (text, _) in TREE.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run([sys.executable, sys.argv[1], root], capture_output=True, text=True)
    found = result.stdout.splitlines()
    expected = [finding for _, finding in TREE.values() if finding]
    missing = [e for e in expected if not any(line.startswith(e) for line in found)]
    surplus = [line for line in found if not any(line.startswith(e) for e in expected)]
    for line in missing:
        print("not found:", line)
    for line in surplus:
        print("wrongly found:", line)
    return 1 if missing or surplus or result.returncode != 1 else 0


if __name__ == "__main__":
    sys.exit(main())
