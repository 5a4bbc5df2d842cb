// What the library receives, seen before it parses it in place.
#pragma once

#include <functional>
#include <string_view>

namespace audit::httpd {

// Gets what arrives at a socket, decrypted where it is encrypted.
using Receiver = std::function<void(int socket, bool is_encrypted, std::string_view bytes)>;

// The receiver of this thread, until another is set; null: none.
void set_receiver(const Receiver* receiver);

}  // namespace audit::httpd
