# SPDX-License-Identifier: MIT
if(TARGET isthmus_ice)
  isthmus_bench(stun USES ice crypto base)
endif()
