# SPDX-License-Identifier: MIT
# What is installed, and the Debian package. Two components: `gateway` (the program, its manual, its configuration and its unit; the package holds this
# alone) and `dev` (headers, libraries and what find_package reads).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# ---- dev
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/isthmus")
foreach(library base crypto sip sdp ice media_order media transport exchange)
  if(NOT TARGET isthmus_${library})
    continue()
  endif()
  set_target_properties(isthmus_${library} PROPERTIES EXPORT_NAME ${library} OUTPUT_NAME isthmus_${library})
  set(parts isthmus_${library})
  if(library STREQUAL "transport" AND TARGET isthmus_dns)
    set_target_properties(isthmus_dns PROPERTIES EXPORT_NAME dns)
    list(APPEND parts isthmus_dns)
  endif()
  install(TARGETS ${parts} EXPORT isthmus-${library} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/isthmus")
  install(EXPORT isthmus-${library} NAMESPACE isthmus:: DESTINATION "${config_folder}" COMPONENT dev)
endforeach()
foreach(room base sip sdp ice media transport gateway/call gateway/route gateway/module)
  if(EXISTS "${CMAKE_SOURCE_DIR}/${room}")
    install(DIRECTORY ${room}/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/isthmus/${room}" COMPONENT dev FILES_MATCHING PATTERN "*.hpp")
  endif()
endforeach()
configure_package_config_file(cmake/isthmusConfig.cmake.in "${CMAKE_BINARY_DIR}/isthmusConfig.cmake" INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/isthmusConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/isthmusConfig.cmake" "${CMAKE_BINARY_DIR}/isthmusConfigVersion.cmake" DESTINATION "${config_folder}" COMPONENT dev)

# ---- gateway
if(NOT TARGET isthmus OR ISTHMUS_SANITIZE)
  return()
endif()
set(papers "${CMAKE_BINARY_DIR}/papers")
file(MAKE_DIRECTORY "${papers}")
add_custom_command(OUTPUT "${papers}/isthmus.1.gz" "${papers}/isthmus.toml.5.gz" "${papers}/isthmus.toml" "${papers}/changelog.gz"
  COMMAND papers isthmus.1 > "${papers}/isthmus.1"
  COMMAND papers isthmus.toml.5 > "${papers}/isthmus.toml.5"
  COMMAND papers example > "${papers}/example"
  # The package's state lies where its unit puts it.
  COMMAND sed "s|^#data = .*|data = \"/var/lib/isthmus\"|" "${papers}/example" > "${papers}/isthmus.toml"
  COMMAND gzip -9nf "${papers}/isthmus.1" "${papers}/isthmus.toml.5"
  COMMAND gzip -9nc "${CMAKE_SOURCE_DIR}/CHANGELOG.md" > "${papers}/changelog.gz"
  DEPENDS papers CHANGELOG.md VERBATIM)
add_custom_target(package_papers ALL DEPENDS "${papers}/isthmus.1.gz")
install(TARGETS isthmus DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT gateway)
install(FILES "${papers}/isthmus.1.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT gateway)
install(FILES "${papers}/isthmus.toml.5.gz" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5" COMPONENT gateway)
install(FILES "${papers}/isthmus.toml" DESTINATION /etc/isthmus COMPONENT gateway)
install(FILES etc/package/isthmus.service DESTINATION lib/systemd/system COMPONENT gateway)
install(FILES etc/package/copyright DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT gateway)
install(FILES "${papers}/changelog.gz" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT gateway)
install(DIRECTORY etc/examples/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" COMPONENT gateway)
install(FILES etc/package/low-ports.conf DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" COMPONENT gateway)
install(PROGRAMS etc/package/certbot-hook DESTINATION "${CMAKE_INSTALL_DATADIR}/isthmus" COMPONENT gateway)

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL gateway)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The Isthmus developers")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_SOURCE_DIR}/build/package")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME isthmus)
set(CPACK_DEBIAN_GATEWAY_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_GATEWAY_DESCRIPTION "SIP stack and WebRTC gateway
Browsers call SIP phones, SIP phones call browsers, after the owner's web
server allowed it; with an own ICE, DTLS-SRTP and RTP relay.")
set(CPACK_DEBIAN_PACKAGE_SECTION comm)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/etc/package/conffiles;${CMAKE_SOURCE_DIR}/etc/package/postinst;${CMAKE_SOURCE_DIR}/etc/package/prerm;${CMAKE_SOURCE_DIR}/etc/package/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
