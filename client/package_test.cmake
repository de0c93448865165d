# The header on its own in the oldest language it promises, and the installed package as an application sees it.
enable_testing()

add_test(NAME client_header_is_cxx17_without_exceptions
  COMMAND ${CMAKE_CXX_COMPILER} -std=c++17 -fno-exceptions -fno-rtti -Wall -Wextra -Wpedantic -Werror -fsyntax-only
          -I ${CMAKE_CURRENT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/tests/client/package/header_alone.cpp)

set(consumer_flags ${CMAKE_CXX_FLAGS})
if(HL_SANITIZE)
  string(APPEND consumer_flags " -fsanitize=${HL_SANITIZE}")
endif()
add_test(NAME client_package_builds_an_application
  COMMAND ${CMAKE_COMMAND}
          -D build=${CMAKE_BINARY_DIR} -D work=${CMAKE_CURRENT_BINARY_DIR}/package_test
          -D consumer=${PROJECT_SOURCE_DIR}/tests/client/package
          -D example=${CMAKE_CURRENT_SOURCE_DIR}/examples/first_block.cc
          -D compiler=${CMAKE_CXX_COMPILER} "-D flags=${consumer_flags}"
          -D libdir=${CMAKE_INSTALL_LIBDIR}
          -P ${PROJECT_SOURCE_DIR}/tests/client/package/build_consumer.cmake)
set_tests_properties(client_package_builds_an_application PROPERTIES TIMEOUT 240)

# The tests run the example, so it is built with them.
cmake_language(EVAL CODE "cmake_language(DEFER DIRECTORY [[${PROJECT_SOURCE_DIR}]] CALL add_dependencies client_test first_block)")
