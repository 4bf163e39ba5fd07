// SPDX-License-Identifier: MIT
#include "sip/message/parser.hpp"

#include <algorithm>
#include <cstring>

#include "sip/message/lexer.hpp"
#include "sip/message/scan.hpp"
#include "sip/message/stopped.hpp"

namespace isthmus::sip {
namespace {

constexpr uint32_t kMaxCseq = 0x7fffffff;  // RFC 3261 8.1.1.5: below 2^31

uint16_t status_for(ParseCode code) {
  switch (code) {
    case ParseCode::unsupported_scheme: return 416;
    case ParseCode::unsupported_version: return 505;
    case ParseCode::uri_too_long: return 414;
    case ParseCode::body_too_large: return 413;
    case ParseCode::header_block_too_large:
    case ParseCode::too_many_headers: return 513;
    default: return 400;
  }
}

}  // namespace

// Fills a Message. The first flaw is kept; reading goes on as far as the lines can be told apart, because an answer
// needs Via, From, To, Call-ID and CSeq.
class MessageParser {
 public:
  MessageParser(Message& message, const ParseLimits& limits, bool framed)
      : message_(message), limits_(limits), framed_(framed) {}

  Result<void, ParseError> run(Bytes bytes) {
    message_.clear();
    std::string_view text = as_text(bytes);
    // 7.5: empty lines before the start line are ignored.
    while (text.starts_with("\r\n")) text.remove_prefix(2);
    skipped_ = static_cast<uint32_t>(bytes.size() - text.size());
    const size_t most = limits_.header_block + limits_.body;
    if (text.size() > most) {
      note(ParseCode::body_too_large, static_cast<uint32_t>(most));
      text = text.substr(0, most);
    }
    message_.buffer_.assign(text);
    message_.size_ = static_cast<uint32_t>(text.size());
    data_ = message_.buffer_.data();
    end_ = data_ + std::min(text.size(), limits_.header_block);
    if (text.empty()) {
      note(ParseCode::empty_message, 0U);
      return std::unexpected(error_);
    }
    scan_ = NotableScan(data_, end_);
    const char* at = start_line();
    if (at != nullptr) header_lines(at);
    routing_headers();
    body();
    if (error_.code == ParseCode::none) return {};
    return std::unexpected(finish());
  }

 private:
  uint32_t offset_of(const char* at) const { return static_cast<uint32_t>(at - data_); }
  std::string_view between(const char* from, const char* to) const { return {from, static_cast<size_t>(to - from)}; }

  void note(ParseCode code, uint32_t offset, Header header = Header::other) {
    if (error_.code != ParseCode::none) return;
    error_.code = code;
    error_.offset = offset + skipped_;
    error_.header = header;
    error_.status = status_for(code);
  }
  void note(ParseCode code, const char* at, Header header = Header::other) { note(code, offset_of(at), header); }

  // The CR of the next line end, `at` being the first notable octet on the way to it, or null when the text ends first
  // or the limit comes. Control characters on the way are noted.
  const char* line_end(const char* at) {
    for (;; at = scan_.next()) {
      if (at == end_) return nullptr;
      if (*at == '\r' && at + 1 < end_ && at[1] == '\n') {
        scan_.drop();
        return at;
      }
      if (*at == '\t' || static_cast<uint8_t>(*at) >= 0x80 || is_quoted_pair(at)) continue;
      note(*at == '\r' || *at == '\n' ? ParseCode::bad_line_end : ParseCode::bad_character, at);
      tainted_ = true;
    }
  }

  // RFC 3261 25.1: a quoted-pair may carry any octet below 0x80 but CR and LF.
  bool is_quoted_pair(const char* at) const {
    if (*at == '\r' || *at == '\n' || *at == '\0' || at == data_) return false;
    size_t slashes = 0;
    for (const char* back = at; back > data_ && back[-1] == '\\'; --back) ++slashes;
    return slashes % 2 == 1;
  }

  // Gives the begin of the first header line, or null when there is none.
  const char* start_line() {
    const char* cr = line_end(scan_.next());
    const std::string_view line = between(data_, cr == nullptr ? end_ : cr);
    if (line.size() >= 4 && equals_ignore_case(line.substr(0, 4), "SIP/")) {
      message_.is_request_ = false;
      status_line(line);
    } else {
      request_line(line);
    }
    if (cr == nullptr) {
      note(too_long() ? ParseCode::header_block_too_large : ParseCode::unfinished_headers, end_);
      return nullptr;
    }
    return cr + 2;
  }

  bool too_long() const { return message_.size_ > limits_.header_block && end_ == data_ + limits_.header_block; }

  // 7.2, 25.1 Status-Line; 7.1: SIP-Version without case.
  void status_line(std::string_view line) {
    const size_t space = line.find(' ');
    const std::string_view version = line.substr(0, space);
    if (!is_version(version)) return;
    if (space == std::string_view::npos) return note(ParseCode::bad_start_line, static_cast<uint32_t>(line.size()));
    const std::string_view rest = line.substr(space + 1);
    const auto at = static_cast<uint32_t>(space + 1);
    if (rest.size() < 4 || !is_digit(rest[0]) || !is_digit(rest[1]) || !is_digit(rest[2]) || rest[3] != ' ') {
      return note(ParseCode::bad_status, at);
    }
    const int status = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    if (status < 100 || status > 699) return note(ParseCode::status_out_of_class, at);
    message_.status_ = static_cast<uint16_t>(status);
    message_.target_ = message_.pack(rest.substr(4));
  }

  bool is_version(std::string_view text) {
    if (text == "SIP/2.0" || equals_ignore_case(text, "SIP/2.0")) return true;
    const auto at = static_cast<uint32_t>(text.data() - data_);
    const size_t dot = text.find('.');
    const bool whole = text.size() > 4 && equals_ignore_case(text.substr(0, 4), "SIP/") &&
                       dot != std::string_view::npos && parse_number(text.substr(4, dot - 4)) &&
                       parse_number(text.substr(dot + 1));
    if (whole) {
      note(ParseCode::unsupported_version, at);
    } else {
      note(text.size() >= 5 && equals_ignore_case(text.substr(0, 5), "HTTP/") ? ParseCode::not_sip
                                                                              : ParseCode::bad_version,
           at);
    }
    return false;
  }

  // 7.1, 25.1 Request-Line: two single spaces, nothing before, between or behind.
  void request_line(std::string_view line) {
    const size_t method_end = skip<Ends::stopped>(line, 0, kToken);
    message_.method_text_ = message_.pack(line.substr(0, method_end));
    message_.method_ = method_of(line.substr(0, method_end));
    if (line.starts_with("HTTP/")) return note(ParseCode::not_sip, 0U);
    if (method_end == line.size()) return note(ParseCode::bad_start_line, static_cast<uint32_t>(method_end));
    if (method_end == 0 || line[method_end] != ' ')
      return note(ParseCode::bad_method, static_cast<uint32_t>(method_end));
    const size_t uri_at = method_end + 1;
    const size_t last = line.rfind(' ');
    if (last < uri_at) return note(ParseCode::bad_start_line, static_cast<uint32_t>(line.size()));
    if (!is_version(line.substr(last + 1))) return;
    request_uri(line.substr(uri_at, last - uri_at));
  }

  void request_uri(std::string_view text) {
    message_.target_ = message_.pack(text);
    const auto at = static_cast<uint32_t>(text.data() - data_);
    if (text.size() > limits_.uri) return note(ParseCode::uri_too_long, at);
    const auto uri = stopped::parse_uri(text);
    if (!uri) {
      const ParseCode code = uri.error().code == ParseCode::bad_uri ? ParseCode::bad_request_uri : uri.error().code;
      return note(code, at + uri.error().offset);
    }
    message_.uri_ = message_.pack(*uri);
    // 19.1.1: headers have no place in a Request-URI, but RFC 3261 does not ask to refuse them.
    if (uri->scheme == Scheme::other) note(ParseCode::unsupported_scheme, at);
  }

  // One pass: the index of header lines. Ends at the empty line.
  void header_lines(const char* at) {
    if (is_space(*at)) note(ParseCode::bad_header_name, at);  // a fold with nothing before it
    NotableScan scan = scan_;                                 // a copy of its own, so that it stays in registers
    for (;;) {
      const char* cr = scan.next();
      const char* next = cr + 2;
      if (next <= end_ && cr[0] == '\r' && cr[1] == '\n' && !may_be_space(*next)) {
        if (cr == at) return end_of_headers(at);
        scan.drop();
      } else {
        if (cr == at && next <= end_ && cr[0] == '\r' && cr[1] == '\n') return end_of_headers(at);
        scan_ = scan;
        cr = rare_line(at, cr, next);
        if (cr == nullptr) break;
        scan = scan_;
        if (tainted_) {
          drop_line(at, cr);
          at = next;
          continue;
        }
      }
      header_line(at, cr);
      at = next;
    }
    message_.headers_end_ = offset_of(end_);
    note(too_long() ? ParseCode::header_block_too_large : ParseCode::unfinished_headers, end_);
  }

  static bool may_be_space(char c) { return static_cast<uint8_t>(c) <= ' ' && c != '\r'; }

  // A line with a control character is not in the index, so that none is ever copied into an answer.
  void drop_line(const char* at, const char* end) {
    const std::string_view name = between(at, find_char(at, end, ':'));
    if (header_of(trim(name)) == Header::via) vias_whole_ = false;
  }

  void end_of_headers(const char* at) {
    message_.headers_end_ = offset_of(at);
    body_at_ = offset_of(at) + 2;
  }

  // A line with a fold, or with tabs, UTF-8 or control characters; `first` is the first of those. Gives the end of its
  // text and in `next` the begin of the next line, or null when the text ends before the line does.
  const char* rare_line(const char* at, const char* first, const char*& next) {
    tainted_ = false;
    const char* cr = line_end(first);
    if (cr == nullptr) return nullptr;
    next = cr + 2;
    return is_space(*next) ? unfold(at, cr, next) : cr;
  }

  // 7.3.1: each line end with the whitespace around it becomes one space, in place; what is gained stands as spaces
  // before the last line end. `cr` is the first line end; gives the end of the text, and in `next` the begin of the
  // next line.
  const char* unfold(const char* at, const char* cr, const char*& next) {
    char* out = message_.buffer_.data() + (cr - data_);
    for (;;) {
      if (cr + 2 >= end_ || !is_space(cr[2])) break;
      while (out > at && is_space(out[-1])) --out;
      *out++ = ' ';
      const char* from = cr + 2;
      while (from < end_ && is_space(*from)) ++from;
      cr = line_end(scan_.next());
      if (cr == nullptr) return nullptr;
      std::memmove(out, from, static_cast<size_t>(cr - from));
      out += cr - from;
    }
    next = cr + 2;
    std::memset(out, ' ', static_cast<size_t>(cr - out));
    return out;
  }

  [[gnu::always_inline]] void header_line(const char* at, const char* end) {
    const char* colon = find_char(at, end, ':');
    if (colon == end) return note(ParseCode::missing_colon, at);
    const char* name_end = colon;
    Header header = stopped::header_of(between(at, name_end));
    if (header == Header::other) {
      // HCOLON: whitespace may stand before the colon.
      while (name_end > at && is_space(name_end[-1])) --name_end;
      const std::string_view name = between(at, name_end);
      if (!is_token(name)) return note(ParseCode::bad_header_name, at);
      header = header_of(name);
    }
    if (message_.lines_.size() >= most_lines_) return note(ParseCode::too_many_headers, at, header);
    const char* value = colon + 1;
    if (value < end && *value == ' ') ++value;  // nearly always one and no more
    if (may_be_space(*value) || may_be_space(end[-1])) {
      while (value < end && is_space(*value)) ++value;
      while (end > value && is_space(end[-1])) --end;
    }
    const size_t index = message_.lines_.size();
    if (name_end - at > 0xffff) return note(ParseCode::bad_header_name, at);
    message_.lines_.push_back({offset_of(at), offset_of(value), static_cast<uint32_t>(end - value),
                               static_cast<uint16_t>(name_end - at), header});
    uint16_t& first = message_.first_[static_cast<size_t>(header)];
    if (first == Message::kNone) {
      first = static_cast<uint16_t>(index);
    } else if (is_single(header) && message_.value_of(message_.lines_[first]) != between(value, end)) {
      note(ParseCode::repeated_header, at, header);
    }
  }

  static bool is_single(Header header) {
    switch (header) {
      case Header::from:
      case Header::to:
      case Header::call_id:
      case Header::cseq:
      case Header::content_length:
      case Header::max_forwards:
      case Header::content_type: return true;
      default: return false;
    }
  }

  void routing_headers() {
    via();
    address(Header::from, message_.from_);
    address(Header::to, message_.to_);
    call_id();
    cseq();
    if (message_.is_request_) {
      max_forwards();
      // 8.1.1.8: a request that can make a dialog says where its sender is reached.
      if (message_.method_ == Method::invite && !message_.has(Header::contact)) missing(Header::contact);
    }
  }

  void missing(Header header) { note(ParseCode::missing_header, message_.headers_end_, header); }

  void via() {
    const auto value = message_.header(Header::via);
    if (!value) return missing(Header::via);
    size_t size = 0;
    const auto via = stopped::parse_via(*value, size);
    const auto at = static_cast<uint32_t>(value->data() - data_);
    if (!via) return note(via.error().code, at + via.error().offset, Header::via);
    message_.via_ = message_.pack(*via);
    message_.top_via_rest_ = at + static_cast<uint32_t>(size);
    usable_ |= kVia;
  }

  void address(Header header, Message::PackedAddress& out) {
    const auto value = message_.header(header);
    if (!value) return missing(header);
    const auto address = stopped::parse_name_addr(*value);
    if (!address)
      return note(address.error().code, static_cast<uint32_t>(value->data() - data_) + address.error().offset, header);
    out = message_.pack(*address);
    usable_ |= header == Header::from ? kFrom : kTo;
  }

  // callid = word [ "@" word ]
  void call_id() {
    const auto value = message_.header(Header::call_id);
    if (!value) return missing(Header::call_id);
    size_t end = skip<Ends::stopped>(*value, 0, kWord);
    bool good = end > 0;
    if (good && end < value->size() && (*value)[end] == '@') {
      const size_t host = end + 1;
      end = skip<Ends::stopped>(*value, host, kWord);
      good = end > host;
    }
    if (!good || end != value->size()) {
      return note(ParseCode::bad_call_id, static_cast<uint32_t>(value->data() - data_ + static_cast<ptrdiff_t>(end)),
                  Header::call_id);
    }
    message_.call_id_ = message_.pack(*value);
    usable_ |= kCallId;
  }

  void cseq() {
    const auto value = message_.header(Header::cseq);
    if (!value) return missing(Header::cseq);
    const auto offset = static_cast<uint32_t>(value->data() - data_);
    uint64_t number = 0;
    size_t digits = 0;
    for (; digits < value->size() && is_digit((*value)[digits]) && number <= kMaxCseq; ++digits) {
      number = number * 10 + static_cast<uint64_t>((*value)[digits] - '0');
    }
    const size_t at = skip_space(*value, digits);
    const std::string_view method = value->substr(at);
    const bool good = digits > 0 && number <= kMaxCseq && at > digits && !method.empty() &&
                      skip<Ends::stopped>(*value, at, kToken) == value->size();
    if (!good) return note(ParseCode::bad_cseq, offset, Header::cseq);
    message_.cseq_number_ = static_cast<uint32_t>(number);
    message_.cseq_method_text_ = message_.pack(method);
    const bool same = method == message_.view(message_.method_text_);
    message_.cseq_method_ = same ? message_.method_ : method_of(method);
    usable_ |= kCseq;
    if (!message_.is_request_) {
      message_.method_ = message_.cseq_method_;
    } else if (!same && message_.method_text_.size > 0) {
      note(ParseCode::cseq_method_differs, offset + static_cast<uint32_t>(at), Header::cseq);
    }
  }

  void max_forwards() {
    const auto value = message_.header(Header::max_forwards);
    if (!value) return missing(Header::max_forwards);
    const auto number = parse_number(*value, 255);
    if (!number)
      return note(ParseCode::bad_max_forwards, static_cast<uint32_t>(value->data() - data_), Header::max_forwards);
    message_.max_forwards_ = static_cast<uint8_t>(*number);
  }

  // 18.3, 20.14. Without Content-Length a datagram's body goes to its end.
  void body() {
    const auto value = message_.header(Header::content_length);
    const uint32_t rest = body_at_ == 0 ? 0 : message_.size_ - body_at_;
    uint32_t size = rest;
    if (value) {
      const auto at = static_cast<uint32_t>(value->data() - data_);
      const auto number = parse_number(*value, UINT32_MAX);
      if (!number) return note(ParseCode::bad_content_length, at, Header::content_length);
      message_.content_length_ = static_cast<uint32_t>(*number);
      if (*number > limits_.body) return note(ParseCode::body_too_large, at, Header::content_length);
      if (*number > rest) return note(ParseCode::body_shorter_than_declared, at, Header::content_length);
      size = static_cast<uint32_t>(*number);
    } else if (framed_) {
      return note(ParseCode::missing_content_length, message_.headers_end_, Header::content_length);
    }
    if (size > limits_.body) return note(ParseCode::body_too_large, body_at_);
    if (size == 0) return;
    message_.body_ = {body_at_, size};
    // 20.15: a body has a type.
    if (!message_.has(Header::content_type))
      note(ParseCode::missing_content_type, message_.headers_end_, Header::content_type);
  }

  ParseError finish() {
    error_.is_request = message_.is_request_;
    error_.method = message_.method_;
    const bool silent = error_.code == ParseCode::not_sip || error_.code == ParseCode::empty_message;
    error_.answerable = message_.is_request_ && !silent && usable_ == kAll && vias_whole_ &&
                        message_.method_ != Method::ack && message_.cseq_method_ != Method::ack;
    if (!message_.is_request_ || silent) error_.status = 0;
    return error_;
  }

  static constexpr int kVia = 1, kFrom = 2, kTo = 4, kCallId = 8, kCseq = 16, kAll = 31;

  Message& message_;
  const ParseLimits& limits_;
  const size_t most_lines_ = std::min<size_t>(limits_.header_lines, Message::kNone);
  bool framed_;
  const char* data_ = nullptr;
  const char* end_ = nullptr;
  uint32_t skipped_ = 0;
  uint32_t body_at_ = 0;
  NotableScan scan_;
  int usable_ = 0;
  bool tainted_ = false;  // the line in hand holds a control character
  bool vias_whole_ = true;
  ParseError error_;
};

Result<void, ParseError> parse(Bytes bytes, Message& message, const ParseLimits& limits, bool framed) {
  return MessageParser(message, limits, framed).run(bytes);
}

}  // namespace isthmus::sip
