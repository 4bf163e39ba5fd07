// SPDX-License-Identifier: MIT
// Door of the client interface: any bytes as one message. What is answered can be read again.
#include "gateway/api/json_rpc.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus::gateway;
  const auto request = parse_rpc({reinterpret_cast<const char*>(data), size});
  if (!request) {
    const std::string answer = rpc_error(request.error().id, request.error().error);
    if (!answer.empty() && !parse_json(answer)) std::abort();
    return 0;
  }
  const auto method = parse_method(*request);
  const std::string answer = method ? rpc_result(request->id, request->params) : rpc_error(request->id, method.error());
  // The parameters come back one object deeper than they came.
  const auto again = answer.empty() ? isthmus::Result<Json, JsonFlaw>(Json()) : parse_json(answer);
  if (!again && again.error() == JsonFlaw::malformed) std::abort();
  return 0;
}
