// SPDX-License-Identifier: MIT
#include "sip/message/writer.hpp"

#include "base/text.hpp"

namespace isthmus::sip {
namespace {

constexpr std::string_view kVersion = "SIP/2.0";

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

// Text that comes in by the short way: what could end a line is left out.
void append_safe(std::string& out, std::string_view value) {
  for (;;) {
    const size_t stop = value.find_first_of(std::string_view("\r\n\0", 3));
    out += value.substr(0, stop);
    if (stop == std::string_view::npos) return;
    value.remove_prefix(stop + 1);
  }
}

void append_status_line(std::string& out, int status, std::string_view reason) {
  out += kVersion;
  out += ' ';
  append_number(out, static_cast<uint64_t>(status));
  out += ' ';
  append_safe(out, reason.empty() ? reason_phrase(status) : reason);
  out += "\r\n";
}

void append_body(std::string& out, std::string_view body) {
  out += "Content-Length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
}

// Via of a request and Content-Length are the writer's own.
void append_lines(std::string& out, const Draft& draft) {
  for (size_t i = 0; i < draft.line_count(); ++i) {
    const Header header = draft.line_header(i);
    if (header == Header::content_length || (header == Header::via && draft.is_request())) continue;
    append_line(out, draft.line_name(i), draft.line_value(i));
  }
}

bool copies_record_route(const Message& request, int status) {
  if (status <= 100 || status >= 300) return false;
  switch (request.method()) {
    case Method::invite:
    case Method::subscribe:
    case Method::refer:
    case Method::notify: return true;
    default: return false;
  }
}

}  // namespace

// What answers take over from a request, as raw ranges.
class MessageWriter {
 public:
  explicit MessageWriter(const Message& message) : message_(message) {}

  void status_and_copied(std::string& out, int status, std::string_view reason, std::string_view to_tag) const {
    append_status_line(out, status, reason);
    vias(out);
    if (copies_record_route(message_, status)) lines(out, Header::record_route);
    single(out, Header::from);
    to(out, status, to_tag);
    single(out, Header::call_id);
    single(out, Header::cseq);
    if (status == 100) single(out, Header::timestamp);
  }

  // The value of the first Via line with the top element as mark_source left it.
  void first_via(std::string& out, size_t index) const {
    const Message::Line& line = message_.lines_[index];
    if (!message_.is_marked_) {
      out += message_.value_of(line);
      return;
    }
    out += message_.view(message_.via_.text);
    const uint32_t end = line.value_at + line.value_size;
    if (message_.top_via_rest_ < end) {
      out += ',';
      out += message_.buffer_.view(message_.top_via_rest_, end - message_.top_via_rest_);
    }
  }

  std::string to_value(int status, std::string_view to_tag) const {
    std::string out;
    append_to(out, status, to_tag);
    return out;
  }

 private:
  void vias(std::string& out) const {
    bool first = true;
    for (size_t i = 0; i < message_.lines_.size(); ++i) {
      const Message::Line& line = message_.lines_[i];
      if (line.header != Header::via) continue;
      out += "Via: ";
      if (first) {
        first_via(out, i);
      } else {
        out += message_.value_of(line);
      }
      out += "\r\n";
      first = false;
    }
  }

  void lines(std::string& out, Header header) const {
    for (const std::string_view value : message_.values(header)) append_line(out, text(header), value);
  }

  void single(std::string& out, Header header) const {
    if (const auto value = message_.header(header)) append_line(out, text(header), *value);
  }

  void to(std::string& out, int status, std::string_view to_tag) const {
    out += "To: ";
    append_to(out, status, to_tag);
    out += "\r\n";
  }

  void append_to(std::string& out, int status, std::string_view to_tag) const {
    out += message_.header(Header::to).value_or(std::string_view{});
    if (status == 100 || to_tag.empty() || !message_.to_tag().empty()) return;
    out += ";tag=";
    append_safe(out, to_tag);
  }

  const Message& message_;
};

void write_request(const Draft& request, std::string_view via, std::string& out) {
  out.clear();
  out += request.method_text();
  out += ' ';
  out += request.request_uri();
  out += ' ';
  out += kVersion;
  out += "\r\n";
  append_line(out, "Via", via);
  append_lines(out, request);
  append_body(out, request.body());
}

void write_response(const Draft& response, std::string& out) {
  out.clear();
  append_status_line(out, response.status(), response.reason());
  append_lines(out, response);
  append_body(out, response.body());
}

size_t request_size(const Draft& request, std::string_view via) {
  constexpr size_t kLine = 4;  // ": " and CRLF
  size_t size = request.method_text().size() + request.request_uri().size() + kVersion.size() + 4;
  size += 3 + via.size() + kLine;
  for (size_t i = 0; i < request.line_count(); ++i) {
    const Header header = request.line_header(i);
    if (header == Header::content_length || header == Header::via) continue;
    size += request.line_name(i).size() + request.line_value(i).size() + kLine;
  }
  size_t digits = 1;
  for (size_t left = request.body().size(); left >= 10; left /= 10) ++digits;
  return size + std::string_view("Content-Length").size() + kLine + digits + 2 + request.body().size();
}

Draft respond_to(const Message& request, int status, std::string_view reason, std::string_view to_tag) {
  Draft draft = Draft::response(status, reason);
  const MessageWriter writer(request);
  bool first = true;
  for (size_t i = 0; i < request.line_count(); ++i) {
    const HeaderField line = request.line(i);
    if (line.header != Header::via) continue;
    if (first) {
      std::string value;
      writer.first_via(value, i);
      draft.add(Header::via, value);
    } else {
      draft.add(Header::via, line.value);
    }
    first = false;
  }
  if (copies_record_route(request, status)) {
    for (const std::string_view value : request.values(Header::record_route)) draft.add(Header::record_route, value);
  }
  for (const Header header : {Header::from, Header::to, Header::call_id, Header::cseq}) {
    draft.add(header, header == Header::to ? writer.to_value(status, to_tag)
                                           : std::string(request.header(header).value_or("")));
  }
  const auto timestamp = request.header(Header::timestamp);
  if (status == 100 && timestamp) draft.add(Header::timestamp, *timestamp);
  return draft;
}

void write_response(const Message& request, const Reply& reply, std::string& out) {
  out.clear();
  MessageWriter(request).status_and_copied(out, reply.status, reply.reason, reply.to_tag);
  for (const HeaderValue& header : reply.headers) {
    out += text(header.header);
    out += ": ";
    append_safe(out, header.value);
    out += "\r\n";
  }
  if (!reply.body.empty()) {
    out += "Content-Type: ";
    append_safe(out, reply.content_type);
    out += "\r\n";
  }
  append_body(out, reply.body);
}

Draft draft_of(const Message& message) {
  Draft draft = message.is_request() ? Draft::request(message.method_text(), message.request_uri())
                                     : Draft::response(message.status(), message.reason());
  for (size_t i = 0; i < message.line_count(); ++i) {
    const HeaderField line = message.line(i);
    if (line.header == Header::content_length || (line.header == Header::via && message.is_request())) continue;
    draft.add_text(line.name, line.value);
  }
  if (message.has_body()) draft.set_body(message.content_type(), message.body());
  return draft;
}

}  // namespace isthmus::sip
