# SPDX-License-Identifier: MIT
# The parsers of the client interface and of the web server's answers.
if(TARGET isthmus_wire)
  isthmus_fuzz_door(json_rpc USES wire base)
  isthmus_fuzz_door(webhook_reply USES wire base)
endif()
if(TARGET isthmus_sip_secrets)
  isthmus_fuzz_door(sip_secrets USES sip_secrets sip base)
endif()
if(TARGET isthmus_http_message)
  isthmus_fuzz_door(forwarded USES http_message base)
endif()
