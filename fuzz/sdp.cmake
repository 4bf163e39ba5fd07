# SPDX-License-Identifier: MIT
isthmus_fuzz_door(sdp USES sdp)
