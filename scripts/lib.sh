# Helpers that the scripts in this directory share: messages, the unprivileged user, PostgreSQL's programs,
# Debian packages. Source it; it changes nothing by itself.
# shellcheck shell=bash

# Messages go to stderr: stdout is for what a caller reads.
say() { printf '%s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  if (($# > 0)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

# PostgreSQL refuses to run as root. So root hands its part to the user that Debian's package made for that,
# and everybody else runs it as themselves. A directory that somebody already owns stays theirs.
service_user() { # service_user PATH: who runs what lives in PATH
  local owner=""
  [ -e "$1" ] && owner=$(stat -L -c %U -- "$1")
  if [ "$(id -u)" -ne 0 ]; then
    id -un
  elif [ -n "$owner" ] && [ "$owner" != root ]; then
    printf '%s\n' "$owner"
  else
    printf 'postgres\n'
  fi
}

# run_as USER COMMAND...: with a clean environment (a caller's PGDATA or PGOPTIONS must not reach the server) and
# from /, since the caller's directory may be closed to USER.
run_as() {
  local user=$1 switch=()
  shift
  if [ "$user" != "$(id -un)" ]; then switch=(runuser -u "$user" --); fi
  (cd / && "${switch[@]}" env -i HOME=/ LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@")
}

readonly oldest_server=15

# The major version to build for and run: that of PG_CONFIG if it is set, else the newest installed server, else
# the one that Debian's package "postgresql" stands for.
server_version() {
  local version directory newest=0
  if [ -n "${PG_CONFIG:-}" ]; then
    version=$("$PG_CONFIG" --version) || die "PG_CONFIG=$PG_CONFIG does not run."
    version=${version#PostgreSQL }
    printf '%s\n' "${version%%[!0-9]*}"
    return
  fi
  for directory in /usr/lib/postgresql/*/; do
    version=$(basename "$directory")
    if [ -x "${directory}bin/postgres" ] && [[ $version =~ ^[0-9]+$ ]] && ((version > newest)); then newest=$version; fi
  done
  if ((newest < oldest_server)); then
    newest=$(apt-cache show postgresql 2>/dev/null | sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p' | head -n 1)
  fi
  [ -n "$newest" ] || die "no PostgreSQL server is installed, and apt knows no package \"postgresql\"." \
    "Run \"apt-get update\", or set PG_CONFIG to the pg_config of your server."
  ((newest >= oldest_server)) || die "PostgreSQL $newest is too old: $oldest_server or later is needed."
  printf '%s\n' "$newest"
}

# Where initdb, pg_ctl and psql of that version are.
server_bindir() {
  if [ -n "${PG_CONFIG:-}" ]; then
    "$PG_CONFIG" --bindir
  else
    printf '/usr/lib/postgresql/%s/bin\n' "$(server_version)"
  fi
}
