// SPDX-License-Identifier: MIT
#include "sip/message/framer.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "sip/message/names.hpp"

namespace isthmus::sip {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kLineEnd = "\r\n";

bool is_line_space(char c) {
  return is_space(c) || c == '\r' || c == '\n';
}

struct Length {
  ParseCode code = ParseCode::missing_content_length;
  uint64_t value = 0;
};

// Takes one header line, folds included, into account.
void read_line(std::string_view line, uint64_t limit, Length& length) {
  const size_t colon = line.find(':');
  if (colon == npos || header_of(trim(line.substr(0, colon))) != Header::content_length) return;
  std::string_view digits = line.substr(colon + 1);
  while (!digits.empty() && is_line_space(digits.front())) digits.remove_prefix(1);
  while (!digits.empty() && is_line_space(digits.back())) digits.remove_suffix(1);
  const auto value = parse_number(digits, UINT32_MAX);
  if (length.code == ParseCode::none && value && *value == length.value) return;
  if (length.code == ParseCode::none) {
    length.code = ParseCode::repeated_header;
  } else if (length.code == ParseCode::missing_content_length) {
    length.code = !value ? ParseCode::bad_content_length : *value > limit ? ParseCode::body_too_large : ParseCode::none;
    length.value = value.value_or(0);
  }
}

// `block` ends with the empty line. The start line is skipped; the lines are those that the parser sees.
Length content_length(std::string_view block, uint64_t limit) {
  Length length;
  size_t at = block.find(kLineEnd) + 2;
  while (at + 2 < block.size()) {
    size_t end = block.find(kLineEnd, at);
    while (end + 2 < block.size() && is_space(block[end + 2])) end = block.find(kLineEnd, end + 2);
    read_line(block.substr(at, end - at), limit, length);
    at = end + 2;
  }
  return length;
}

}  // namespace

void Framer::feed(Bytes chunk) {
  if (is_broken()) return;
  keep();
  buffer_.erase(0, read_);
  read_ = 0;
  if (buffer_.empty()) {
    chunk_ = as_text(chunk);
  } else {
    buffer_ += as_text(chunk);
  }
}

void Framer::keep() {
  if (chunk_.empty()) return;
  buffer_.assign(chunk_);
  read_ = 0;
  chunk_ = {};
}

std::string_view Framer::pending() const {
  return chunk_.empty() ? std::string_view(buffer_).substr(read_) : chunk_;
}

Frame Framer::next() {
  if (is_broken()) return {};
  Frame frame = cut(pending());
  if (frame.kind == Frame::Kind::none) keep();
  return frame;
}

Frame Framer::cut(std::string_view text) {
  if (text.empty()) return {};
  if (text[0] == '\r') {
    if (text.size() == 1) return {};
    if (text[1] != '\n') return fail(ParseCode::bad_line_end, text.substr(0, 1));
    consume(2);
    after_crlf_ = !after_crlf_;
    return {after_crlf_ ? Frame::Kind::pong : Frame::Kind::ping, ParseCode::none, {}};
  }
  after_crlf_ = false;
  if (wanted_ == 0) {
    const size_t empty_line = text.find("\r\n\r\n", scanned_ > 3 ? scanned_ - 3 : 0);
    const size_t block = empty_line == npos ? text.size() : empty_line + 4;
    if (block > limits_.header_block)
      return fail(ParseCode::header_block_too_large, text.substr(0, limits_.header_block));
    scanned_ = text.size();
    if (empty_line == npos) return {};
    const Length length = content_length(text.substr(0, block), limits_.body);
    if (length.code != ParseCode::none) return fail(length.code, text.substr(0, block));
    wanted_ = block + static_cast<size_t>(length.value);
  }
  if (text.size() < wanted_) return {};
  const Bytes bytes = as_bytes(text.substr(0, wanted_));
  consume(wanted_);
  return {Frame::Kind::message, ParseCode::none, bytes};
}

Frame Framer::fail(ParseCode code, std::string_view text) {
  broken_ = code;
  const Frame frame{Frame::Kind::error, code, as_bytes(text)};
  return frame;
}

void Framer::consume(size_t size) {
  if (chunk_.empty()) {
    read_ += size;
  } else {
    chunk_.remove_prefix(size);
  }
  scanned_ = 0;
  wanted_ = 0;
}

}  // namespace isthmus::sip
