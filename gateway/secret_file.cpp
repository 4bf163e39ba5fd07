// SPDX-License-Identifier: MIT
#include "gateway/secret_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace isthmus::gateway {
namespace {

constexpr size_t kMaxSecretFile = 64 << 10;

}  // namespace

std::optional<std::string> read_secret_file(const std::string& path, bool through_link) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | (through_link ? 0 : O_NOFOLLOW));
  if (file < 0) return std::nullopt;
  std::string text(kMaxSecretFile, '\0');
  size_t size = 0;
  ssize_t got = 1;
  while (got > 0 && size < text.size()) {
    got = ::read(file, text.data() + size, text.size() - size);
    size += static_cast<size_t>(std::max<ssize_t>(got, 0));
  }
  const int error = errno;
  ::close(file);
  errno = error;
  if (got < 0) return std::nullopt;
  text.resize(size);
  return text;
}

Result<void, std::string> write_secret_file(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return fail("cannot write " + path + ": " + std::strerror(errno));
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(file) != 0 || !written) return fail("cannot write " + path);
  return {};
}

}  // namespace isthmus::gateway
