# SPDX-License-Identifier: MIT
# The parsers of the client interface and of the web server's answers.
if(TARGET isthmus_api)
  isthmus_fuzz_door(json_rpc USES api base)
  isthmus_fuzz_door(webhook_reply USES api base)
endif()
