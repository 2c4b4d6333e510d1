# shellcheck shell=bash
# What several scripts need. To be sourced, not run.

heading() { printf '\n=== %s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
