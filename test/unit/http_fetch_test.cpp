// Fetching ends, whatever the other side does.
#include "auth/http_fetch.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace audit::httpd {
namespace {

// Listens; says `answer`, if there is one, to the first who connects, and then nothing.
class Server {
 public:
  explicit Server(std::string answer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket_, 1);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/keys";
    thread_ = std::thread([this, answer = std::move(answer)] {
      client_ = accept(socket_, nullptr, nullptr);
      send(client_, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
  }
  ~Server() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(client_);
    close(socket_);
  }

  std::string url;

 private:
  int socket_;
  int client_ = -1;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

constexpr FetchBounds bounds{1000, std::chrono::milliseconds(300)};

TEST(HttpFetchTest, TakesWhatIsWithinTheBounds) {
  EXPECT_EQ(fetch(Server(answer("200 OK", std::string(1000, 'k'))).url, bounds), std::string(1000, 'k'));
}

TEST(HttpFetchTest, RefusesWhatIsTooLarge) {
  EXPECT_FALSE(fetch(Server(answer("200 OK", std::string(1001, 'k'))).url, bounds));
}

TEST(HttpFetchTest, EndsWhenNothingComes) {
  EXPECT_FALSE(fetch(Server("").url, bounds));
  EXPECT_FALSE(fetch(Server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").url, bounds));
}

TEST(HttpFetchTest, RefusesOtherAnswersAndUrls) {
  EXPECT_FALSE(fetch(Server(answer("404 Not Found", "{}")).url, bounds));
  EXPECT_FALSE(fetch(Server(answer("302 Found\r\nLocation: file:///etc/passwd", "")).url, bounds));
  EXPECT_FALSE(fetch("file:///etc/passwd", bounds));
  EXPECT_FALSE(fetch("", bounds));
}

}  // namespace
}  // namespace audit::httpd
