# SPDX-License-Identifier: MIT
isthmus_fuzz_door(stun USES ice crypto base)
