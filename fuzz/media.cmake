# SPDX-License-Identifier: MIT
isthmus_fuzz_door(rtp USES media base)
isthmus_fuzz_door(rtcp USES media base)
isthmus_fuzz_door(dtls USES media base)
isthmus_fuzz_door(media_engine USES media ice crypto base)
