// RFC 3339 times. Days to dates and back by the algorithms days_from_civil and civil_from_days of Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms" (public domain).
#include "rfc3339.hpp"

namespace audit {
namespace {

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t us_per_day = 86'400 * us_per_second;
constexpr std::int64_t days_from_era_to_2000 = 730'425;  // 0000-03-01 to 2000-01-01

struct Date {
  std::int64_t year;
  unsigned month, day;
};

// `days` counts from 0000-03-01, so that a leap day is a year's last.
constexpr Date date_of(std::int64_t days) noexcept {
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2), month, day};
}

// REQUIRES: year >= 1, month and day of the calendar.
constexpr std::int64_t days_since_2000(const Date& date) noexcept {
  const std::int64_t year = date.year - (date.month <= 2);
  const unsigned month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - days_from_era_to_2000;
}

constexpr std::int64_t year_1_us = days_since_2000({1, 1, 1}) * us_per_day;
static_assert(days_since_2000({10'000, 1, 1}) * us_per_day == year_10000_us);
static_assert(days_since_2000({1970, 1, 1}) * us_per_day == unix_epoch_us);

constexpr bool is_leap_year(std::int64_t year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr unsigned days_in_month(std::int64_t year, unsigned month) noexcept {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

char* put_digits(char* out, std::int64_t value, int width) noexcept {
  for (int i = width; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + width;
}

// Takes what a date-time is made of from the front of a text; the first failure sticks.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  unsigned number(unsigned width) noexcept {
    unsigned value = 0;
    for (; width > 0; width--) value = value * 10 + digit();
    return value;
  }
  bool accept(char c) noexcept {
    if (failed_ || rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) noexcept { failed_ = !accept(c); }
  void check(bool holds) noexcept { failed_ = failed_ || !holds; }
  bool next_is_digit() const noexcept { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  unsigned digit() noexcept {
    if (failed_ || !next_is_digit()) {
      failed_ = true;
      return 0;
    }
    const auto value = static_cast<unsigned>(rest_.front() - '0');
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::int64_t read_date_us(Reader& reader) noexcept {
  Date date{};
  date.year = reader.number(4);
  reader.expect('-');
  date.month = reader.number(2);
  reader.expect('-');
  date.day = reader.number(2);
  reader.check(date.year >= 1 && date.month >= 1 && date.month <= 12);
  if (reader.failed()) return 0;
  reader.check(date.day >= 1 && date.day <= days_in_month(date.year, date.month));
  return reader.failed() ? 0 : days_since_2000(date) * us_per_day;
}

std::int64_t read_fraction_us(Reader& reader) noexcept {
  if (!reader.accept('.')) return 0;
  reader.check(reader.next_is_digit());
  std::int64_t fraction_us = 0;
  for (std::int64_t unit = us_per_second / 10; reader.next_is_digit() && !reader.failed(); unit /= 10)
    fraction_us += reader.number(1) * unit;
  return fraction_us;
}

std::int64_t read_time_us(Reader& reader) noexcept {
  const unsigned hour = reader.number(2);
  reader.expect(':');
  const unsigned minute = reader.number(2);
  reader.expect(':');
  const unsigned second = reader.number(2);
  reader.check(hour < 24 && minute < 60 && second <= 60);
  return (hour * 3600 + minute * 60 + second) * us_per_second + read_fraction_us(reader);
}

std::int64_t read_offset_us(Reader& reader) noexcept {
  if (reader.accept('Z') || reader.accept('z')) return 0;
  const bool west = reader.accept('-');
  if (!west) reader.expect('+');
  const unsigned hour = reader.number(2);
  reader.expect(':');
  const unsigned minute = reader.number(2);
  reader.check(hour < 24 && minute < 60);
  const std::int64_t offset_us = (hour * 3600 + minute * 60) * us_per_second;
  return west ? -offset_us : offset_us;
}

}  // namespace

std::size_t write_rfc3339(std::int64_t microseconds_since_2000, char* out) noexcept {
  // Counted from 0000-03-01 the value is positive, so that / and % round the right way.
  const std::int64_t us = microseconds_since_2000 + days_from_era_to_2000 * us_per_day;
  const Date date = date_of(us / us_per_day);
  const std::int64_t seconds = us % us_per_day / us_per_second;
  const std::int64_t fraction_us = us % us_per_second;

  char* at = put_digits(out, date.year, 4);
  *at++ = '-';
  at = put_digits(at, date.month, 2);
  *at++ = '-';
  at = put_digits(at, date.day, 2);
  *at++ = 'T';
  at = put_digits(at, seconds / 3600, 2);
  *at++ = ':';
  at = put_digits(at, seconds / 60 % 60, 2);
  *at++ = ':';
  at = put_digits(at, seconds % 60, 2);
  if (fraction_us != 0) {
    *at++ = '.';
    at = put_digits(at, fraction_us, 6);
  }
  *at++ = 'Z';
  return static_cast<std::size_t>(at - out);
}

DateTimeStatus parse_rfc3339(std::string_view text, std::int64_t& microseconds_since_2000) noexcept {
  Reader reader(text);
  std::int64_t us = read_date_us(reader);
  if (!reader.accept('T') && !reader.accept('t')) reader.expect(' ');
  us += read_time_us(reader);
  if (reader.failed()) return DateTimeStatus::malformed;
  if (reader.at_end()) return DateTimeStatus::no_offset;
  us -= read_offset_us(reader);
  // An offset can carry the first and last hours out of the years that can be written back.
  reader.check(us >= year_1_us && us < year_10000_us);
  if (reader.failed() || !reader.at_end()) return DateTimeStatus::malformed;
  microseconds_since_2000 = us;
  return DateTimeStatus::ok;
}

}  // namespace audit
