// SPDX-License-Identifier: MIT
// Door of the stream framer: the first octet says how the rest is cut into chunks. Invariants: any cutting gives the
// same frames as the whole, and the parser agrees with the framer about where each message ends.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message/framer.hpp"

namespace {

using namespace isthmus;
using namespace isthmus::sip;

void require(bool invariant) {
  if (!invariant) std::abort();
}

struct Seen {
  Frame::Kind kind;
  ParseCode code;
  std::string bytes;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void drain(Framer& framer, std::vector<Seen>& out) {
  for (;;) {
    const Frame frame = framer.next();
    if (frame.kind == Frame::Kind::none) return;
    out.push_back({frame.kind, frame.code, std::string(as_text(frame.bytes))});
  }
}

void check_message(std::string_view text) {
  Message message;
  const auto result = parse(as_bytes(text), message, {}, true);
  if (result) {
    require(message.bytes().size() == text.size() && message.body().size() == message.content_length());
    return;
  }
  const ParseCode code = result.error().code;
  require(code != ParseCode::missing_content_length && code != ParseCode::bad_content_length &&
          code != ParseCode::body_shorter_than_declared && code != ParseCode::body_too_large &&
          code != ParseCode::header_block_too_large && code != ParseCode::unfinished_headers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<Seen> whole;
  Framer framer;
  framer.feed(as_bytes(text));
  drain(framer, whole);

  std::vector<Seen> pieces;
  Framer other;
  uint32_t step = data[0];
  for (size_t at = 0; at < text.size();) {
    step = step * 1103515245 + 12345;
    const std::string chunk(text.substr(at, 1 + (step >> 16) % (data[0] + 1U)));
    other.feed(as_bytes(chunk));
    drain(other, pieces);
    at += chunk.size();
  }
  require(whole == pieces);
  require(framer.is_broken() == other.is_broken());
  for (const Seen& seen : whole) {
    if (seen.kind == Frame::Kind::message) check_message(seen.bytes);
  }
  return 0;
}
