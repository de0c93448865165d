# Installs the client into a directory of its own, builds the consumer against it both ways, and runs it without a
# daemon: a miss (exit code 1), not an error and not a crash.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${result}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix --component client)
set(ENV{PKG_CONFIG_PATH} ${work}/prefix/${libdir}/pkgconfig)
run(${CMAKE_COMMAND} -G Ninja -S ${consumer} -B ${work}/build -D CMAKE_PREFIX_PATH=${work}/prefix
    -D CMAKE_CXX_COMPILER=${compiler} "-D CMAKE_CXX_FLAGS=${flags}" -D CMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld
    -D example=${example})
run(${CMAKE_COMMAND} --build ${work}/build)
foreach(program by_cmake by_pkg_config)
  execute_process(COMMAND ${work}/build/${program} unix://${work}/nobody RESULT_VARIABLE result OUTPUT_VARIABLE output)
  if(NOT result EQUAL 1 OR NOT output MATCHES "put: unavailable, 0 stored")
    message(FATAL_ERROR "${program}: ${result}\n${output}")
  endif()
endforeach()
