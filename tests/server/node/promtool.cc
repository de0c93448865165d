#include "tests/server/node/promtool.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/server/node/scratch.h"

namespace halflife {

bool HavePromtool() { return access("/usr/bin/promtool", X_OK) == 0; }

std::string PromtoolComplaints(const std::string& page) {
  Scratch scratch;
  WriteText(scratch / "metrics", page);
  FILE* promtool =
      popen(("/usr/bin/promtool check metrics < " + (scratch / "metrics") + " 2>&1").c_str(), "r");
  if (promtool == nullptr) return "promtool does not run";
  std::string complaints;
  char piece[1024];
  while (fgets(piece, sizeof piece, promtool) != nullptr) complaints += piece;
  const int status = pclose(promtool);
  return status == 0 ? complaints : complaints + "exit status " + std::to_string(status);
}

}  // namespace halflife
