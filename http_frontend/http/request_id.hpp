// X-Request-ID: what log, database and response name a request by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace audit::httpd {

// What a log and a header can carry without a second thought.
bool is_sane_request_id(std::string_view id);

// Makes ids for requests that bring none: no two alike, of this process and, by a random part, of others.
class RequestIds {
 public:
  RequestIds();
  std::string make();

 private:
  std::uint64_t prefix_;
  std::uint64_t next_ = 0;
};

}  // namespace audit::httpd
