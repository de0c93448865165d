# Build options and flags that hold for every target.

option(HL_BUILD_TESTS "Build the tests" ON)
option(HL_BUILD_BENCH "Build the benchmarks (needs libhiredis-dev)" OFF)
option(HL_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
option(HL_TEST_HOOKS "Compile kill points and fail points in (never in a release build)" OFF)
set(HL_SANITIZE "" CACHE STRING "Sanitizers for every target, for example address,undefined")
set(HL_SANITIZE_CORE "" CACHE STRING "Sanitizers for common, storage and their tests only: thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# No absolute path reaches an object, so that a second clone finds the first one's objects in the compiler cache.
file(RELATIVE_PATH HL_WAY_UP ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
add_compile_options(-Wall -Wextra -Wno-unused-parameter -fno-omit-frame-pointer
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${HL_WAY_UP}=)

find_program(HL_CCACHE ccache)
if(HL_CCACHE)
  # The sloppiness lets ccache keep objects that were built with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${HL_CCACHE})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # ccache caches objects built with a precompiled header only without its time stamp.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp" -Wthread-safety -Werror=thread-safety)
endif()

add_compile_definitions(_FORTIFY_SOURCE=$<IF:$<CONFIG:Debug>,0,2>)
add_compile_options(-fstack-protector-strong -fcf-protection -U_FORTIFY_SOURCE)
add_link_options(-fuse-ld=lld -Wl,-z,relro,-z,now)

if(HL_SANITIZE)
  add_compile_options(-fsanitize=${HL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HL_SANITIZE})
endif()
