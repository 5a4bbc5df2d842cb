// Values of type inet as networks, and back.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// REQUIRES: detoasted.
inline InetNetwork network_of(const inet* value) {
  InetNetwork network;
  network.address_size = static_cast<std::uint8_t>(ip_addrsize(const_cast<inet*>(value)));
  network.prefix_length = ip_bits(value);
  memcpy(network.address.data(), ip_addr(value), network.address_size);
  return network;
}

// In the current memory context.
inline inet* inet_of(const InetNetwork& network) {
  auto* value = static_cast<inet*>(palloc0(sizeof(inet)));
  ip_family(value) = network.address_size == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
  ip_bits(value) = network.prefix_length;
  memcpy(ip_addr(value), network.address.data(), network.address_size);
  SET_INET_VARSIZE(value);
  return value;
}

}  // namespace audit::pg
