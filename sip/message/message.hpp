// SPDX-License-Identifier: MIT
// A received SIP message (RFC 3261 7): it owns its bytes and an index of its header lines, and is reusable without
// allocation. Start line and routing headers (top Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length) were
// validated when it was parsed and cost nothing to read; every other header is taken apart when somebody asks. All
// views live until the message is changed, moved or gone. A copyable value. parser.hpp fills it.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "sip/message/buffer.hpp"
#include "sip/message/header_list.hpp"
#include "sip/message/name_addr.hpp"
#include "sip/message/names.hpp"
#include "sip/message/via.hpp"

namespace isthmus::sip {

struct CSeq {
  uint32_t number = 0;
  Method method = Method::unknown;
  std::string_view method_text;
};

// One header line. `value` is unfolded and trimmed; `raw` is the whole line with its CRLF.
struct HeaderField {
  Header header = Header::other;
  std::string_view name;
  std::string_view value;
  std::string_view raw;
};

class Message {
 public:
  Message() { first_.fill(kNone); }

  bool is_request() const { return is_request_; }
  Method method() const { return method_; }  // of a response: that of its CSeq
  std::string_view method_text() const;
  std::string_view request_uri() const { return view(target_); }
  Uri request_uri_parsed() const;         // Scheme::other when the scheme is not ours
  int status() const { return status_; }  // 0 for a request
  int status_class() const { return status_ / 100; }
  std::string_view reason() const { return view(target_); }

  // Routing headers. Without a valid one (only possible after a parse error) views are empty.
  Via via() const;
  std::string_view branch() const { return view(via_.branch); }
  NameAddr from() const { return unpack(from_); }
  NameAddr to() const { return unpack(to_); }
  std::string_view from_tag() const { return view(from_.tag); }
  std::string_view to_tag() const { return view(to_.tag); }
  std::string_view call_id() const { return view(call_id_); }
  CSeq cseq() const { return {cseq_number_, cseq_method_, view(cseq_method_text_)}; }
  std::optional<uint8_t> max_forwards() const { return max_forwards_; }
  std::optional<uint32_t> content_length() const { return content_length_; }

  bool has_body() const { return body_.size > 0; }
  std::string_view body() const { return view(body_); }
  Bytes body_bytes() const { return as_bytes(body()); }
  std::string_view content_type() const { return header(Header::content_type).value_or(std::string_view{}); }

  // Any header. The value of the first line of that name.
  bool has(Header header) const { return first_[static_cast<size_t>(header)] != kNone; }
  std::optional<std::string_view> header(Header header) const;
  std::optional<std::string_view> header(std::string_view name) const;  // also names that are in no table
  size_t line_count() const { return lines_.size(); }
  HeaderField line(size_t index) const;

  // for (std::string_view value : message.values(Header::record_route)): one per line, top down.
  class Values;
  Values values(Header header) const;
  // for (std::string_view element : message.elements(Header::contact)): comma lists taken apart, over all lines.
  class Elements;
  Elements elements(Header header) const;

  std::optional<uint32_t> expires() const;                  // Expires; none when missing or no number
  std::optional<NameAddr> contact() const;                  // the first Contact, unless it is missing, broken or "*"
  bool lists(Header header, std::string_view token) const;  // a token list (Supported, Require, Allow) holds the token

  // RFC 3261 18.2.1 and RFC 3581 4: the top Via of a received request gets `received` when the source is not its
  // sent-by or rport is asked for, and the value of rport. via() and every answer show it; what the peer wrote there
  // is replaced.
  void mark_source(const SocketAddress& source);

  std::string_view bytes() const {
    return buffer_.view(0, size_);
  }  // as received, but unfolded and without leading CRLFs
  bool empty() const { return size_ == 0; }

 private:
  friend class MessageParser;
  friend class MessageWriter;
  static constexpr uint16_t kNone = 0xffff;

  struct Span {
    uint32_t at = 0;
    uint32_t size = 0;
  };
  struct Line {
    uint32_t at = 0;
    uint32_t value_at = 0;
    uint32_t value_size = 0;
    uint16_t name_size = 0;
    Header header = Header::other;
  };
  struct PackedVia {
    Span text, transport, host, branch, received, maddr, params;
    uint16_t port = 0;
    uint16_t rport_value = 0;
    bool rport = false;
    std::optional<uint8_t> ttl;
  };
  struct PackedAddress {
    Span display, uri, params, tag;
    bool has_brackets = false;
  };
  struct PackedUri {
    Span scheme_text, user, password, host, params, headers;
    Scheme scheme = Scheme::other;
    bool has_password = false;
    uint16_t port = 0;
  };

  void clear();
  std::string_view view(Span span) const { return {buffer_.data() + span.at, span.size}; }
  Span pack(std::string_view text) const {
    return text.empty() ? Span{}
                        : Span{static_cast<uint32_t>(text.data() - buffer_.data()), static_cast<uint32_t>(text.size())};
  }
  PackedVia pack(const Via& via) const;
  PackedAddress pack(const NameAddr& address) const;
  PackedUri pack(const Uri& uri) const;
  NameAddr unpack(const PackedAddress& packed) const;
  std::string_view value_of(const Line& line) const { return {buffer_.data() + line.value_at, line.value_size}; }
  size_t line_end(size_t index) const { return index + 1 < lines_.size() ? lines_[index + 1].at : headers_end_; }
  // The next line of that header behind `index`, or line_count().
  size_t next_line(Header header, size_t index) const;

  Buffer buffer_;      // the message, then the rewritten top Via if mark_source made one
  uint32_t size_ = 0;  // of the message alone
  uint32_t headers_end_ = 0;
  std::vector<Line> lines_;
  std::array<uint16_t, kHeaderCount> first_;
  bool is_request_ = true;
  Method method_ = Method::unknown;
  Method cseq_method_ = Method::unknown;
  bool is_marked_ = false;
  uint16_t status_ = 0;
  uint32_t cseq_number_ = 0;
  uint32_t top_via_rest_ = 0;  // where the first Via line goes on behind its first element
  std::optional<uint8_t> max_forwards_;
  std::optional<uint32_t> content_length_;
  Span method_text_, target_, call_id_, cseq_method_text_, body_;
  PackedUri uri_;
  PackedVia via_;
  PackedAddress from_, to_;
};

class Message::Values {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    Iterator(const Message& message, Header header, size_t index)
        : message_(&message), header_(header), index_(index) {}
    std::string_view operator*() const { return message_->value_of(message_->lines_[index_]); }
    Iterator& operator++() {
      index_ = message_->next_line(header_, index_ + 1);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return index_ >= message_->lines_.size(); }

   private:
    const Message* message_;
    Header header_;
    size_t index_;
  };

  Values(const Message& message, Header header) : message_(&message), header_(header) {}
  Iterator begin() const {
    const uint16_t first = message_->first_[static_cast<size_t>(header_)];
    return {*message_, header_, first == kNone ? message_->lines_.size() : first};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  const Message* message_;
  Header header_;
};

class Message::Elements {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Values::Iterator line) : line_(line), cursor_(line_ == std::default_sentinel ? "" : *line_) {
      ++*this;
    }
    std::string_view operator*() const { return element_; }
    Iterator& operator++() {
      while (!cursor_.next(element_)) {
        if (line_ == std::default_sentinel || ++line_ == std::default_sentinel) {
          done_ = true;
          return *this;
        }
        cursor_ = ListCursor(*line_);
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    Values::Iterator line_;
    ListCursor cursor_;
    std::string_view element_;
    bool done_ = false;
  };

  explicit Elements(Values values) : values_(values) {}
  Iterator begin() const { return Iterator(values_.begin()); }
  std::default_sentinel_t end() const { return {}; }

 private:
  Values values_;
};

inline Message::Values Message::values(Header header) const {
  return {*this, header};
}
inline Message::Elements Message::elements(Header header) const {
  return Elements(values(header));
}

}  // namespace isthmus::sip
