// SPDX-License-Identifier: MIT
// Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3, 20.14) and recognises the keep-alives of
// RFC 5626 4.4.1. Lengths never wrap, headers and bodies are bounded before anything is stored, and nothing is copied
// while a chunk holds whole messages. After an error the stream has lost its frame: close it. A copyable value.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "sip/message/flaw.hpp"
#include "sip/message/parser.hpp"

namespace isthmus::sip {

struct Frame {
  enum class Kind : uint8_t {
    none,     // nothing whole is left: feed more
    message,  // `bytes` is one message from start line to the end of its body
    pong,     // one CRLF between messages: the peer lives
    ping,     // the second CRLF of a pair: answer with one CRLF
    error     // `code`; `bytes` is the header block as far as it is known, for a 400; then close
  };
  Kind kind = Kind::none;
  ParseCode code = ParseCode::none;
  Bytes bytes;  // valid until the next call of the framer
};

class Framer {
 public:
  explicit Framer(const ParseLimits& limits = {}) : limits_(limits) {}

  // The chunk must stay alive until next() has said `none` or `error`, or keep() was called.
  void feed(Bytes chunk);
  Frame next();
  // Takes a copy of what is not read yet, so that the chunk may go.
  void keep();

  bool is_broken() const { return broken_ != ParseCode::none; }
  // Octets of an unfinished message that wait for the rest of it.
  size_t waiting() const { return buffer_.size() - read_ + chunk_.size(); }

 private:
  std::string_view pending() const;
  Frame cut(std::string_view text);
  Frame fail(ParseCode code, std::string_view text);
  void consume(size_t size);

  ParseLimits limits_;
  std::string buffer_;      // octets of earlier chunks
  size_t read_ = 0;         // of buffer_
  std::string_view chunk_;  // not read yet; always behind buffer_
  size_t scanned_ = 0;      // of the pending text, in search of the empty line
  size_t wanted_ = 0;       // length of the message in hand once its headers are complete
  bool after_crlf_ = false;
  ParseCode broken_ = ParseCode::none;
};

}  // namespace isthmus::sip
