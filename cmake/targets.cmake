# hl_library(NAME [CORE] SOURCES... DEPS...) and hl_test(NAME [CORE] SOURCES... DEPS...): one place for common
# properties. CORE marks what the tsan preset instruments: common, storage and their tests, never code that
# includes gRPC (its uninstrumented library would drown real races in false ones).

function(hl_common_properties name scope core)
  target_include_directories(${name} ${scope} ${CMAKE_SOURCE_DIR})
  if(HL_TEST_HOOKS)
    target_compile_definitions(${name} ${scope} HL_TEST_HOOKS=1)
  endif()
  if(core AND HL_SANITIZE_CORE)
    target_compile_options(${name} PRIVATE -fsanitize=${HL_SANITIZE_CORE})
    # Whatever links an instrumented library needs the runtime, also where its own code is not instrumented.
    target_link_options(${name} PUBLIC -fsanitize=${HL_SANITIZE_CORE})
  endif()
endfunction()

# What `cmake --build --preset tsan` builds: the CORE tests.
add_custom_target(core_tests)
if(HL_SANITIZE_CORE STREQUAL "thread")
  # Mutexes and threads of libraries that are not instrumented would be reported for what happens inside them.
  set(HL_CORE_TEST_ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1")
else()
  set(HL_CORE_TEST_ENVIRONMENT "")
endif()

function(hl_library name)
  cmake_parse_arguments(ARG "CORE" "" "SOURCES;DEPS;PRIVATE_DEPS;PCH" ${ARGN})
  if(NOT ARG_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
    hl_common_properties(${name} INTERFACE OFF)
    return()
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  hl_common_properties(${name} PUBLIC ${ARG_CORE})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
endfunction()

# One GoogleTest binary per module; ctest runs each test as an entry of its own, so that a failure is named.
function(hl_test name)
  cmake_parse_arguments(ARG "CORE" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(ARG_CORE)
    list(APPEND ARG_LABELS core)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  hl_common_properties(${name} PRIVATE ${ARG_CORE})
  set(environment "")
  if(ARG_CORE)
    add_dependencies(core_tests ${name})
    set(environment "${HL_CORE_TEST_ENVIRONMENT}")
  endif()
  target_precompile_headers(${name} PRIVATE <gtest/gtest.h> <gmock/gmock.h> <string> <vector> <memory>)
  include(GoogleTest)
  gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                                  ENVIRONMENT "${environment}")
endfunction()
