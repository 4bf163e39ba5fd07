// SPDX-License-Identifier: MIT
// isthmus::sip alone: a message that arrived is read, answered, and a broken one is refused with the place of the fault
// (R4.20, R5.4). No socket, no clock: where bytes come from is the caller's business.

#include <iostream>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "sip/message/message.hpp"
#include "sip/message/parser.hpp"
#include "sip/message/writer.hpp"

namespace {

constexpr std::string_view kInvite =
    "INVITE sip:bob@example.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK776;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: Alice <sip:alice@example.org>;tag=1928\r\n"
    "To: Bob <sip:bob@example.org>\r\n"
    "Call-ID: a84b4c76@192.0.2.10\r\n"
    "CSeq: 314159 INVITE\r\n"
    "m: <sip:alice@192.0.2.10>\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

void answer(const isthmus::sip::Message& request) {
  isthmus::sip::Reply reply;
  reply.status = 486;
  reply.to_tag = "a6c85";
  std::string bytes;
  write_response(request, reply, bytes);
  std::cout << bytes;
}

}  // namespace

int main() {
  isthmus::sip::Message message;
  if (!parse(isthmus::as_bytes(kInvite), message)) return 1;
  std::cout << message.method_text() << " from " << message.from().display << " to user "
            << message.request_uri_parsed().user << ", transaction " << message.branch() << "\n";
  if (const auto contact = message.contact()) std::cout << "contact " << contact->uri << "\n\n";

  message.mark_source({isthmus::IpAddress::v4(198, 51, 100, 7), 40000});
  answer(message);

  std::string broken(kInvite);
  broken.replace(broken.find("314159"), 6, "minus1");
  const auto refused = parse(isthmus::as_bytes(broken), message);
  if (refused) return 1;
  std::cout << "broken at octet " << refused.error().offset << ": " << describe(refused.error().code)
            << " Answered with " << refused.error().status << ".\n";
}
