# SPDX-License-Identifier: MIT
isthmus_bench(sdp USES sdp)
