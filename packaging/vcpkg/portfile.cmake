# An overlay port: copy this folder as ports/ropeway and unpack the release's source into src/ beside this file. Cargo must be on
# PATH.
find_program(CARGO cargo REQUIRED)
set(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/src")
set(ENV{CARGO_TARGET_DIR} "${CURRENT_BUILDTREES_DIR}/${TARGET_TRIPLET}-cargo")
vcpkg_execute_required_process(
  COMMAND "${CARGO}" build --release --locked --package ropeway-ffi
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME build)
vcpkg_execute_required_process(
  COMMAND tools/install "${CURRENT_PACKAGES_DIR}"
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME install)
vcpkg_cmake_config_fixup(PACKAGE_NAME Ropeway CONFIG_PATH lib/cmake/Ropeway)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
