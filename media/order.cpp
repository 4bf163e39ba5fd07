// SPDX-License-Identifier: MIT
#include "media/order.hpp"

namespace isthmus::media {

std::string_view describe(LegFault fault) {
  switch (fault) {
    case LegFault::no_ports: return "no free media port";
    case LegFault::no_such_leg: return "no such media leg";
    case LegFault::ice_timeout: return "no working ICE pair within the time limit";
    case LegFault::dtls_failed: return "the DTLS handshake did not finish within the time limit";
    case LegFault::fingerprint_mismatch: return "the peer's certificate does not match the signalled fingerprint";
    case LegFault::consent_lost: return "the peer stopped answering for ICE consent";
    case LegFault::limit: return "limit of media legs reached";
  }
  return "unknown media fault";
}

}  // namespace isthmus::media
