// SPDX-License-Identifier: MIT
// isthmus::sdp alone: a phone's offer is read and answered, and one without a common codec is refused (R4.20, R5.4).

#include <iostream>
#include <string>
#include <string_view>

#include "sdp/profile.hpp"

namespace {

constexpr std::string_view kOffer =
    "v=0\r\n"
    "o=phone 2890844526 1 IN IP4 198.51.100.7\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.7\r\n"
    "t=0 0\r\n"
    "m=audio 49172 RTP/AVP 0 18 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=sendonly\r\n";

}  // namespace

int main() {
  namespace sdp = isthmus::sdp;

  const auto offer = sdp::parse_remote(kOffer, sdp::Profile::phone);
  if (!offer) return 1;

  sdp::LocalAudio ours;
  ours.addresses = {{isthmus::IpAddress::v4(192, 0, 2, 1), 20000}};
  ours.rtcp = {isthmus::IpAddress::v4(192, 0, 2, 1), 20001};
  sdp::Leg leg(sdp::Profile::phone, 42, ours);

  const auto refused = leg.answer(*offer, sdp::Intent{{sdp::opus()}});
  if (refused) return 1;
  std::cout << "with opus alone: " << describe(refused.error()) << "\n\n";

  const auto agreed = leg.answer(*offer, sdp::Intent{{sdp::pcma(), sdp::pcmu(), sdp::telephone_event()}});
  if (!agreed) return 1;
  std::cout << leg.last() << "\nmedia goes to " << offer->address.text() << ": " << std::boolalpha
            << sdp::sends(agreed->direction) << "; is expected from there: " << sdp::receives(agreed->direction)
            << "\n";
}
