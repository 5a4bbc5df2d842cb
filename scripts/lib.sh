# Helpers that the scripts in this directory share: messages, the unprivileged user, PostgreSQL's programs,
# Debian packages. Source it; it changes nothing by itself.
# shellcheck shell=bash

repository=$(dirname -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")")

# Messages go to stderr: stdout is for what a caller reads.
say() { printf '%s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  if (($# > 0)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

# PostgreSQL refuses to run as root. So root hands its part to the user that Debian's package made for that, and
# other users run it as themselves. A directory that has an owner keeps it.
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

# run_as USER COMMAND...: with a clean environment, since a caller's PGDATA or PGOPTIONS must not reach the server. It
# runs from /, since the caller's directory may be closed to USER.
run_as() {
  local user=$1 switch=()
  shift
  if [ "$user" != "$(id -un)" ]; then switch=(runuser -u "$user" --); fi
  (cd / && "${switch[@]}" env -i HOME=/ LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@")
}

# The versions that the extension knows. Newer ones that it compiles on use the SQL path.
known_major() { sed -nE "s/^constexpr int $1_known_major = ([0-9]+);/\1/p" "$repository/src/pg/base/pg_compat.hpp"; }
oldest_server=$(known_major oldest)
# shellcheck disable=SC2034
newest_server=$(known_major newest)

# The major version to build for and run: that of PG_CONFIG if it is set, else the newest installed server. Without
# either it is the one that Debian's package "postgresql" stands for.
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

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root's rights, and there is no sudo: $*" "Run it as root, then start again."
  fi
}

missing_packages() { # missing_packages NAME...: prints those that are not installed, one a line
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
  done
}

# Waits for another installation, such as the system's own upgrades, to end.
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2; }

# Debian makes a cluster on port 5432 when a server is installed. It is not wanted here, so a setting forbids it for as
# long as this installation takes. Clusters and settings that exist are left alone.
readonly no_main_cluster=/etc/postgresql-common/createcluster.d/audit_ext.conf
without_main_cluster() { # without_main_cluster COMMAND...
  as_root mkdir -p "${no_main_cluster%/*}"
  echo "create_main_cluster = false" | as_root tee "$no_main_cluster" >/dev/null
  local status=0
  "$@" || status=$?
  as_root rm -f "$no_main_cluster"
  return "$status"
}

# install_packages NAME...: those that are missing, and no more. In a name, @ stands for PostgreSQL's version.
install_packages() {
  local names missing
  command -v apt-get >/dev/null || die "there is no apt-get: this installs what it needs on Debian only." \
    "Elsewhere: build with make, and see docs/operations.md."
  if [ -z "$(apt-cache show postgresql 2>/dev/null)" ]; then
    say "Fetching the lists of packages ..."
    apt_get update
  fi
  mapfile -t names < <(printf '%s\n' "${@//@/$(server_version)}")
  mapfile -t missing < <(missing_packages "${names[@]}")
  if ((${#missing[@]} == 0)); then return; fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  local install=(without_main_cluster apt_get install -y --no-install-recommends "${missing[@]}")
  if ! "${install[@]}"; then
    say "Some packages could not be had; trying again with new lists ..."
    apt_get update
    "${install[@]}" || die "apt-get could not install: ${missing[*]}"
  fi
}

# What building and running needs: the extension alone, and with the daemon. With PG_CONFIG set, PostgreSQL itself is the caller's.
extension_packages=(g++ make)
[ -n "${PG_CONFIG:-}" ] || extension_packages+=(postgresql-@ postgresql-server-dev-@)
build_packages=(pkg-config libmicrohttpd-dev libjansson-dev libcli11-dev libspdlog-dev libgnutls28-dev
  prometheus-cpp-dev zlib1g-dev libcurl4-openssl-dev libcrypt-dev libpq-dev libsystemd-dev)
build_packages+=("${extension_packages[@]}")

find_pg_config() {
  printf '%s\n' "${PG_CONFIG:-$(server_bindir)/pg_config}"
}

# build TARGET...: make in the clone, on all processors. Of a compiler's command line only the result is shown.
build() {
  local pg_config
  pg_config=$(find_pg_config)
  make --no-print-directory -C "$repository" -j "$(nproc)" PG_CONFIG="$pg_config" "$@" | sed -E 's/^(g\+\+|gcc) .* -o ([^ ]+).*/  \2/'
}

# The daemon's objects with sanitizers serve several tests, which run side by side: one of them makes them at a time.
build_sanitized() { # build_sanitized MAKE_ARGUMENT...
  mkdir -p "$repository/http_frontend/build"
  flock "$repository/http_frontend/build" make --no-print-directory -j "$(nproc)" "$@"
}

# PostgreSQL's programs find their files relative to themselves. So a copy runs, and has extensions of its own.
copy_postgresql() { # copy_postgresql DIRECTORY: PG_CONFIG becomes that of the copy
  local pg_config directory
  pg_config=$(find_pg_config)
  for directory in "$("$pg_config" --bindir)" "$("$pg_config" --pkglibdir)" "$("$pg_config" --sharedir)"; do
    mkdir -p "$1/${directory%/*}"
    cp -R "$directory" "$1/${directory%/*}"
  done
  directory=$("$pg_config" --includedir-server)
  mkdir -p "$1/${directory%/*}"
  ln -s "$directory" "$1/$directory"
  PG_CONFIG=$1/$("$pg_config" --bindir)/pg_config
  export PG_CONFIG
}

# The committed files, and over them what is changed or new.
copy_tree() { # copy_tree DIRECTORY
  git clone -q --depth 1 "file://$repository" "$1"
  git -C "$repository" ls-files -z --modified --others --exclude-standard |
    while IFS= read -r -d '' name; do
      if [ -e "$repository/$name" ]; then printf '%s\0' "$name"; else rm -f -- "$1/$name"; fi
    done | tar -C "$repository" --null --files-from=- -c | tar -C "$1" -x
}

random_text() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
