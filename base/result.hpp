// SPDX-License-Identifier: MIT
// Result<T, E>: a value or a small error struct, and the one macro that passes an error on. Peer faults travel as
// values; nothing here throws.
#pragma once

#include <expected>
#include <utility>

namespace isthmus {

template <class T, class E>
using Result = std::expected<T, E>;

template <class E>
std::unexpected<E> fail(E error) {
  return std::unexpected<E>(std::move(error));
}

}  // namespace isthmus

#define ISTHMUS_CONCAT_INNER(a, b) a##b
#define ISTHMUS_CONCAT(a, b) ISTHMUS_CONCAT_INNER(a, b)
#define ISTHMUS_TRY_INNER(result, name, expression)               \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  auto& name = *result
// ISTHMUS_TRY(uri, parse_uri(text)): declares `uri`, or returns the error to the caller.
#define ISTHMUS_TRY(name, expression) ISTHMUS_TRY_INNER(ISTHMUS_CONCAT(result_, __LINE__), name, expression)
