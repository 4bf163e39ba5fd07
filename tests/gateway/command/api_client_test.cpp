// SPDX-License-Identifier: MIT
// How commands speak to the running gateway: what is sent, what is taken for an answer, and each failure in words.
#include "gateway/command/api_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "transport/native_address.hpp"

namespace isthmus::gateway {
namespace api_client_test {

using namespace std::chrono_literals;

// A listener on loopback that takes one connection, reads one request head and says what it was told to say.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer, bool stays = false) : answer_(std::move(answer)), stays_(stays) {
    sockaddr_storage native{};
    const socklen_t size = transport::to_native({IpAddress::v4(127, 0, 0, 1), 0}, native);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&native), size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    address = transport::local_address(socket_);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  ApiAccess access() const { return {address, "localhost:1", Private<std::string>("the secret")}; }
  // What was sent, once the answer was given.
  const std::string& seen() {
    ::shutdown(socket_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return seen_;
  }

  SocketAddress address;

 private:
  void serve() {
    const int peer = ::accept(socket_, nullptr, nullptr);
    if (peer < 0) return;
    char room[4096];
    while (seen_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(peer, room, sizeof room, 0);
      if (got <= 0) break;
      seen_.append(room, static_cast<size_t>(got));
    }
    ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    // Stays silent until the client goes away.
    if (stays_) ::recv(peer, room, sizeof room, 0);
    ::close(peer);
  }

  std::string answer_;
  bool stays_;
  int socket_ = -1;
  std::string seen_;
  std::thread thread_;
};

TEST(ApiClient, OneRequestWithTheSecretAndItsAnswer) {
  OneAnswer gateway("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull and more");
  const auto reply = ask_api(gateway.access(), "POST", "/api/v1/trace?x=1", R"({"a":1})");
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "null");
  const std::string& seen = gateway.seen();
  EXPECT_TRUE(seen.starts_with("POST /api/v1/trace?x=1 HTTP/1.1\r\nHost: localhost:1\r\n")) << seen;
  EXPECT_NE(seen.find("\r\nAuthorization: Bearer the secret\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nContent-Length: 7\r\n"), std::string::npos);
}

TEST(ApiClient, AnyStatusIsAnAnswerAndItsSentenceIsShown) {
  OneAnswer gateway(
      "HTTP/1.1 404 Not Found\r\ncontent-length: 61\r\n\r\n{\"error\":{\"code\":\"unknown_call\",\"message\":\"No call "
      "has it.\"}}xx");
  const auto reply = ask_api(gateway.access(), "GET", "/");
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(api_message(*reply), "No call has it.");
  EXPECT_EQ(api_message({502, "<html>"}), "the gateway answered 502");
}

TEST(ApiClient, WhatIsNoAnswerIsSaidInWords) {
  struct Row {
    std::string answer, words;
  };
  const Row rows[] = {
      {"", "the connection ended without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Le", "the connection ended without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "the connection ended within the answer"},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "what answers is no gateway of this kind"},
      {"HTTP/1.1 2x0 OK\r\n\r\n", "what answers is no gateway of this kind"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "what answers is no gateway of this kind"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "what answers is no gateway of this kind"},
      {std::string(80 << 10, 'x'), "what answers is no HTTP server"},
  };
  for (const Row& row : rows) {
    OneAnswer gateway(row.answer);
    const auto reply = ask_api(gateway.access(), "GET", "/");
    ASSERT_FALSE(reply) << row.words;
    EXPECT_NE(reply.error().find(row.words), std::string::npos) << reply.error();
    EXPECT_NE(reply.error().find("no gateway answers at " + gateway.address.text()), std::string::npos);
    EXPECT_EQ(reply.error().find("the secret"), std::string::npos);
  }
}

TEST(ApiClient, ASilentGatewayIsGivenUpInTime) {
  OneAnswer gateway("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true);
  const auto before = std::chrono::steady_clock::now();
  const auto reply = ask_api(gateway.access(), "GET", "/", {}, 100ms);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().find("no answer in time"), std::string::npos) << reply.error();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

TEST(ApiClient, NobodyThereIsSaidWithTheOptionsThatChooseAnother) {
  SocketAddress gone;
  {
    OneAnswer gateway("");
    gone = gateway.address;
  }
  const auto reply = ask_api({gone, "localhost", Private<std::string>("x")}, "GET", "/");
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().find("Connection refused"), std::string::npos) << reply.error();
  EXPECT_NE(reply.error().find("--config, --data and --web"), std::string::npos);
}

TEST(ApiClient, AddressAndSecretComeFromTheConfiguration) {
  char folder[] = "/tmp/isthmus-api-client-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  Config config;
  config.data = folder;
  config.web.listen = {IpAddress::v4(0, 0, 0, 0), 8081};
  const auto none = api_access(config);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().find("/api-secret: No such file or directory"), std::string::npos) << none.error();

  const std::string path = config.data + "/api-secret";
  std::ofstream(path) << "made by the first start\nrest\n";
  auto access = api_access(config);
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ(access->secret.reveal(), "made by the first start");
  EXPECT_EQ(access->address.text(), "127.0.0.1:8081");
  EXPECT_EQ(access->host, "localhost:8081");

  std::ofstream(path) << "with a\rheader: of its own\n";
  EXPECT_EQ(api_access(config)->secret.reveal(), "with a");
  std::ofstream(path) << "\n";
  EXPECT_FALSE(api_access(config));
  config.api_secret = Private<std::string>("configured");
  config.web.listen = {*IpAddress::parse("::"), 8081};
  access = api_access(config);
  ASSERT_TRUE(access) << access.error();
  EXPECT_EQ(access->secret.reveal(), "configured");
  EXPECT_EQ(access->address.text(), "[::1]:8081");
  std::filesystem::remove_all(folder);
}

}  // namespace api_client_test
}  // namespace isthmus::gateway
