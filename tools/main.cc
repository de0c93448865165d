#include "tools/cli/app.h"

int main(int argc, char** argv) { return halflife::tools::RunCommandLine(argc, argv); }
