// Queries as the daemon sends them: prepared statements with binary parameters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event_filters.hpp"

namespace audit::httpd {

// Types of parameters, by the server's fixed OIDs.
enum class SqlType : unsigned {
  boolean = 16,
  bytes = 17,
  int8 = 20,
  int4 = 23,
  text = 25,
  inet = 869,
  timestamptz = 1184,
  uuid = 2950
};

// The server keeps it for the life of the session. `sql` may have `@schema@` where the extension's schema belongs.
struct PreparedStatement {
  const char* name;  // a literal
  std::string sql;
  std::vector<SqlType> parameters;
  bool is_optional = false;  // a role will do that may not call its functions
};

// Values in the server's binary format, in the order of the placeholders. Owns them, since a query may have to wait.
class Parameters {
 public:
  // The list's: its filters, filter, cursor, page size, since, until and application name.
  static constexpr std::size_t max_count = filter_count + 6;

  Parameters& add_null();
  Parameters& add_bool(bool value);
  Parameters& add_bytes(std::string_view bytes);  // bytea, and text in UTF-8 without U+0000
  // The same without a copy. REQUIRES: the bytes live until the query was answered.
  Parameters& add_view(std::string_view bytes);
  Parameters& add_int32(std::int32_t value);
  Parameters& add_int64(std::int64_t value);  // also timestamptz: microseconds since 2000
  Parameters& add_inet(const InetNetwork& network);
  Parameters& add_optional(const std::optional<std::string_view>& bytes);
  Parameters& add_optional(const std::optional<std::int64_t>& value);

  std::size_t count() const { return count_; }
  bool is_null(std::size_t index) const { return values_[index].is_null; }
  std::string_view value(std::size_t index) const {
    const Value& value = values_[index];
    if (value.foreign != nullptr) return {value.foreign, value.size};
    return std::string_view(bytes_).substr(value.offset, value.size);
  }

 private:
  struct Value {
    std::uint32_t offset;
    std::uint32_t size;
    bool is_null;
    const char* foreign = nullptr;  // instead of our own bytes
  };
  Parameters& add(std::string_view bytes, bool is_null);

  std::string bytes_;
  std::array<Value, max_count> values_{};
  std::size_t count_ = 0;
};

struct Statement {
  const char* name;  // of a prepared statement
  Parameters parameters;
};

// Names a query while it waits or runs, to cancel it by.
using QueryId = std::uint64_t;
inline constexpr QueryId no_query = 0;

// Runs as one transaction; the result is the last statement's.
using Query = std::vector<Statement>;

}  // namespace audit::httpd
