# SPDX-License-Identifier: MIT
isthmus_fuzz_door(dns_answer USES dns base)
