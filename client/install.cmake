# What an application needs to build against the client: one header, one archive, a CMake package and a pkg-config
# file. `cmake --install <build> --component client`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The client and what it is made of in one archive, so that nobody has to know our inner libraries.
add_library(halflife_client_archive STATIC
  $<TARGET_OBJECTS:halflife_client> $<TARGET_OBJECTS:halflife_wire> $<TARGET_OBJECTS:halflife_proto>
  $<TARGET_OBJECTS:halflife_common>)
set_target_properties(halflife_client_archive PROPERTIES
  OUTPUT_NAME halflife_client LINKER_LANGUAGE CXX
  ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/package)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/HalflifeClient)
configure_package_config_file(cmake/HalflifeClientConfig.cmake.in package/HalflifeClientConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(package/HalflifeClientConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
# Relative, so that the installed tree may be moved.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/halflife-client.pc.in package/halflife-client.pc @ONLY)

install(TARGETS halflife_client_archive COMPONENT client ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/halflife/client.h COMPONENT client DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/halflife)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/HalflifeClientConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/package/HalflifeClientConfigVersion.cmake
        COMPONENT client DESTINATION ${package_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/halflife-client.pc
        COMPONENT client DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
