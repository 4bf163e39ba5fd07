// SPDX-License-Identifier: MIT
// What the parse bench asks of a SIP library, ours among them. L1 route: framing, start line, Request-URI, top Via,
// tags, Call-ID, CSeq, Max-Forwards, Content-Length, body. L2 full: every header it knows in its typed form. respond: a
// 200 OK from a parsed request, to bytes. turn: bytes in, 200 OK out. serialise: a request that lies ready in the
// library's own form, to bytes. Everybody gets the same bytes and gives the same fields.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::bench {

struct Fields {
  std::string_view method;  // of a response: ""
  int status = 0;
  std::string_view uri_user, uri_host;
  unsigned uri_port = 0;
  std::string_view transport, sent_by, branch, received, rport;
  unsigned sent_by_port = 0;
  std::string_view from_tag, to_tag, call_id, cseq_method;
  uint32_t cseq = 0;
  int max_forwards = -1;
  uint32_t content_length = 0;
  size_t body_size = 0;
  friend bool operator==(const Fields&, const Fields&) = default;
};

inline constexpr std::string_view kToTag = "i0042b7e151628aed2a6abf71";
inline constexpr std::string_view kContact = "<sip:gate@192.0.2.180:5080>";

inline std::string_view view_of(const char* text) {
  return text == nullptr ? std::string_view{} : std::string_view(text);
}
inline unsigned number_of(const char* text) {
  return text == nullptr ? 0 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string_view name() const = 0;
  // Parses and reads the fields; they are valid until release().
  virtual bool route(std::string_view bytes, Fields& fields) = 0;
  // Parses, reads every header typed, gives a sum over what was read.
  // A library that types everything as the message comes in need not do more than route().
  virtual bool full(std::string_view bytes, size_t& sum) {
    Fields fields;
    const bool good = route(bytes, fields);
    sum = fields.body_size;
    return good;
  }
  // Frees what route() or full() parsed.
  virtual void release() = 0;
  // Writes 200 OK for the request that the last route() parsed.
  virtual bool respond(std::string& out) = 0;
  // Makes the request that the last route() parsed ready for serialise(); false: this library has no such form.
  virtual bool prepare() { return false; }
  virtual bool serialise(std::string& /*out*/) { return false; }
  bool turn(std::string_view bytes, std::string& out) {
    Fields fields;
    const bool good = route(bytes, fields) && respond(out);
    release();
    return good;
  }
};

std::unique_ptr<Peer> make_isthmus();
std::unique_ptr<Peer> make_sofia();
std::unique_ptr<Peer> make_osip();
std::unique_ptr<Peer> make_libre();

}  // namespace isthmus::bench
