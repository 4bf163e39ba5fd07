// SPDX-License-Identifier: MIT
// Counts what a program takes from the heap by C++ means, in isthmus::test::allocations. It replaces operator new, so
// one file of a test program includes it. The thread sanitizer brings an operator new of its own and does not yield;
// there the count stays at zero, and the plain suite has the proof.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace isthmus::test {
inline size_t allocations = 0;
}  // namespace isthmus::test

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !__has_feature(thread_sanitizer)
// Not inlined: g++ would take the pair for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  ++isthmus::test::allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif
