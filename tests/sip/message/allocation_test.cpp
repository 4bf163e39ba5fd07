// SPDX-License-Identifier: MIT
// A Message is reusable without allocation: once it has grown, messages of many peers are parsed, read in their typed
// forms and answered without taking anything from the heap. Read is what bench/parse reads: every header of
// bench/corpus/sip-messages with all its URIs and parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/peers/peer.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::sip {
namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() + "/bench/corpus/sip-messages")) {
    std::ifstream file(entry.path(), std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(MessageAllocation, ParsingReadingAndAnsweringAllocateNothingOnceWarm) {
  const std::vector<std::string> messages = corpus();
  ASSERT_GE(messages.size(), 12u);
  const auto ours = bench::make_isthmus();  // one Message for all of them
  std::string answer;                       // and one buffer
  size_t answered = 0;
  size_t read = 0;
  const auto all = [&] {
    for (const std::string& bytes : messages) {
      size_t sum = 0;
      EXPECT_TRUE(ours->full(bytes, sum)) << bytes;
      read += sum;
      if (!bytes.starts_with("SIP/") && ours->respond(answer)) ++answered;
    }
  };
  all();
  const size_t requests = answered;
  const size_t octets = read;
  EXPECT_GE(requests, 8u);
  EXPECT_GT(octets, 0u);
  const size_t before = test::allocations;
  for (int i = 0; i < 20; ++i) all();
  EXPECT_EQ(test::allocations, before);
  EXPECT_EQ(answered, 21 * requests);
  EXPECT_EQ(read, 21 * octets);
  EXPECT_TRUE(answer.starts_with("SIP/2.0 200 OK\r\n"));
}

}  // namespace
}  // namespace isthmus::sip
