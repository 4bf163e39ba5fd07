# SPDX-License-Identifier: MIT
if(TARGET isthmus_media)
  isthmus_bench(srtp USES media base)
  isthmus_bench(relay USES media ice crypto base GTest::gtest)
endif()
