# What the scripts of this directory share. Each runs in a root directory of its own, with the packages in the directory
# $packages, and prints "ok" and "not ok" lines.
# shellcheck shell=bash
readonly packages=$1
readonly etc=/etc/audit_httpd
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed=0

check() { # check WHAT COMMAND...
  if "${@:2}" >"$work/log" 2>&1; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    sed 's/^/# /' "$work/log" | tail -20 | cut -c1-300
    # shellcheck disable=SC2034
    failed=1
  fi
}

# The same files under another version, with another default in the configuration.
make_version() { # make_version VERSION DIRECTORY
  local package unpacked=$work/unpacked
  mkdir "$2"
  for package in "$packages"/*.deb; do
    rm -rf "$unpacked"
    dpkg-deb -R "$package" "$unpacked"
    sed -i "s/^Version: .*/Version: $1/" "$unpacked/DEBIAN/control"
    [ ! -e "$unpacked$etc" ] || echo "# The default of $1." >>"$unpacked$etc/audit_httpd.conf"
    dpkg-deb --root-owner-group -b "$unpacked" "$2" >/dev/null
  done
  rm -rf "$unpacked"
}

names() { for package in "$packages"/*.deb; do dpkg-deb -f "$package" Package; done; }
version() { dpkg-deb -f "$packages"/audit-httpd_*.deb Version; }
is() { [ "$(stat -c '%a %U:%G' -- "$2")" = "$1" ]; } # is "MODE OWNER:GROUP" FILE
