# SPDX-License-Identifier: MIT
isthmus_fuzz_door(sip_message USES sip)
isthmus_fuzz_door(sip_stream USES sip)
isthmus_fuzz_door(sip_uri USES sip)
isthmus_fuzz_door(sip_auth USES sip)
isthmus_fuzz_door(sip_transactions USES sip)
