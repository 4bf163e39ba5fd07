# SPDX-License-Identifier: MIT
if(TARGET isthmus_media)
  # The library itself is a party of its own bench.
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(libsrtp2 REQUIRED IMPORTED_TARGET libsrtp2)
  isthmus_bench(srtp USES media base PkgConfig::libsrtp2)
  isthmus_bench(relay USES media ice crypto base GTest::gtest)
endif()
