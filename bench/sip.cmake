# SPDX-License-Identifier: MIT
isthmus_bench(transaction USES sip)
