// SPDX-License-Identifier: MIT
#include "sip/message/via.hpp"

#include "base/address.hpp"
#include "sip/message/lexer.hpp"
#include "sip/message/name_addr.hpp"
#include "sip/message/stopped.hpp"

namespace isthmus::sip {
namespace {

// A cursor over one element; every step says whether the grammar held.
template <Ends kEnds>
class ViaScan {
 public:
  explicit ViaScan(std::string_view text) : text_(text) {}

  bool run(Via& via) { return protocol(via) && sent_by(via) && params(via); }
  size_t at() const { return at_; }
  ParseCode code() const { return code_; }

 private:
  bool ended() const { return at_ == text_.size() || text_[at_] == ','; }
  bool take(char wanted) {
    at_ = skip_space(text_, at_);
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    at_ = skip_space(text_, at_ + 1);
    return true;
  }
  std::string_view token() {
    const size_t begin = at_;
    at_ = skip<kEnds>(text_, at_, kToken);
    return text_.substr(begin, at_ - begin);
  }

  // sent-protocol: name, version and transport are tokens. A version that is not ours is answered 505 for the start
  // line's sake, and that answer needs this Via.
  bool protocol(Via& via) {
    at_ = skip_space(text_, 0);
    if (text_.substr(at_).starts_with("SIP/2.0/")) {
      at_ += 8;
    } else if (token().empty() || !take('/') || token().empty() || !take('/')) {
      return false;
    }
    at_ = skip_space(text_, at_);
    via.transport = token();
    return !via.transport.empty() && at_ < text_.size() && is_space(text_[at_]);
  }

  bool sent_by(Via& via) {
    at_ = skip_space(text_, at_);
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '[') {
      const size_t close = text_.find(']', at_);
      if (close == std::string_view::npos || !IpAddress::parse(text_.substr(at_, close + 1 - at_))) return false;
      at_ = close + 1;
    } else {
      at_ = skip<kEnds>(text_, at_, kHost);
    }
    via.host = text_.substr(begin, at_ - begin);
    if (via.host.empty()) return false;
    if (ended() || text_[at_] == ';') return true;
    if (!take(':')) return ended() || text_[at_] == ';';
    const size_t digits = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    const auto port = parse_number(text_.substr(digits, at_ - digits), 65535);
    if (!port || *port == 0) {
      at_ = digits;
      return false;
    }
    via.port = static_cast<uint16_t>(*port);
    return true;
  }

  bool params(Via& via) {
    at_ = skip_space(text_, at_);
    if (ended()) return true;
    const size_t begin = at_ + 1;
    for (size_t count = 0; !ended(); ++count) {
      if (text_[at_] != ';') return false;
      if (count == kMaxParams) {
        code_ = ParseCode::too_many_params;
        return false;
      }
      at_ = skip_space(text_, at_ + 1);
      if (!param(via)) return false;
    }
    via.params = trim(text_.substr(begin, at_ - begin));
    return true;
  }

  bool param(Via& via) {
    const std::string_view name = token();
    if (name.empty()) return false;
    at_ = skip_space(text_, at_);
    std::string_view value;
    if (at_ < text_.size() && text_[at_] == '=') {
      at_ = skip_space(text_, at_ + 1);
      const size_t begin = at_;
      at_ = at_ < text_.size() && text_[at_] == '"' ? skip_quoted(text_, at_) : skip<kEnds>(text_, at_, kParamValue);
      if (at_ == std::string_view::npos || at_ == begin) {
        at_ = begin;
        // "rport=" without a value is sent by some phones; it means the flag (RFC 3581 3 knows only that from a
        // client).
        if (!is_word(name, "rport")) return false;
      }
      value = text_.substr(begin, at_ - begin);
      at_ = skip_space(text_, at_);
    }
    return known(via, name, value);
  }

  bool known(Via& via, std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 3: {
        if (!is_word(name, "ttl")) return true;
        const auto ttl = parse_number(value, 255);
        if (ttl) via.ttl = static_cast<uint8_t>(*ttl);
        return ttl.has_value();
      }
      case 5:
        if (is_word(name, "maddr")) {
          via.maddr = value;
          return !value.empty();
        }
        if (!is_word(name, "rport")) return true;
        via.rport = true;
        if (value.empty()) return true;
        if (const auto port = parse_number(value, 65535); port && *port > 0) {
          via.rport_value = static_cast<uint16_t>(*port);
          return true;
        }
        return false;
      case 6:
        if (is_word(name, "branch")) {
          if (!via.branch.empty()) return false;
          via.branch = value;
          return !value.empty();
        }
        return true;
      case 8:
        if (is_word(name, "received")) {
          via.received = value;
          return !value.empty();
        }
        return true;
      default: return true;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  ParseCode code_ = ParseCode::bad_via;
};

template <Ends kEnds>
Result<Via, Flaw> scan_via(std::string_view value, size_t& size) {
  Result<Via, Flaw> via;
  ViaScan<kEnds> scan(value);
  if (!scan.run(*via)) return flaw(scan.code(), scan.at());
  via->text = trim(value.substr(0, scan.at()));
  size = scan.at() < value.size() ? scan.at() + 1 : scan.at();
  return via;
}

}  // namespace

Result<Via, Flaw> stopped::parse_via(std::string_view value, size_t& size) {
  return scan_via<Ends::stopped>(value, size);
}

Result<Via, Flaw> parse_via(std::string_view value, size_t& size) {
  return scan_via<Ends::anywhere>(value, size);
}

Result<Via, Flaw> parse_via(std::string_view text) {
  size_t size = 0;
  auto via = parse_via(text, size);
  if (via && (size != text.size() || text.ends_with(','))) return flaw(ParseCode::bad_via, size - 1);
  return via;
}

}  // namespace isthmus::sip
