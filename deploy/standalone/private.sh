#!/usr/bin/env bash
# Functions of the scripts beside it: directories that others cannot have prepared, and processes that are still ours.
set -euo pipefail

# Where start-cluster.sh keeps a cluster unless told otherwise; bin/powersweep looks for the cluster's secret there.
default_cluster_directory() { echo "${POWERSWEEP_CLUSTER:-${TMPDIR:-/tmp}/powersweep-cluster-$UID}"; }

# private_directory DIR: makes it for its owner alone, or refuses one that somebody else owns or may change.
private_directory() {
  local dir=$1 mode
  [[ -e $dir || -L $dir ]] || (umask 077 && mkdir -p "$dir")
  if [[ -L $dir || ! -d $dir ]]; then
    echo "${0##*/}: $dir is not a directory of its own (a link or a file); name another by --dir" >&2
    exit 1
  fi
  if [[ ! -O $dir ]]; then
    echo "${0##*/}: $dir belongs to another user, who could read or replace what is kept there; name another by --dir" >&2
    exit 1
  fi
  # Mode as ls writes it: drwxrwxrwx.
  mode=$(ls -ld "$dir")
  if [[ ${mode:5:1} == w || ${mode:8:1} == w ]]; then
    echo "${0##*/}: others may write to $dir, so what is in it may be theirs; remove it, or name another by --dir" >&2
    exit 1
  fi
  chmod 700 "$dir"
}

# started PID: when the process began, as the system counts it; nothing if there is no such process.
started() {
  local stat fields
  if [[ -r /proc/self/stat ]]; then
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The 22nd field; the second, in parentheses, may hold spaces.
    read -ra fields <<<"${stat##*) }"
    # One that has ended keeps its number until its parent asks how.
    [[ ${fields[0]} != [ZX] ]] || return 0
    echo "${fields[19]}"
  else
    ps -o lstart= -p "$1" 2>/dev/null || true
  fi
}

# remember PID FILE: the process id and its start, so that a later process of the same number is not taken for it.
remember() { printf '%s %s\n' "$1" "$(started "$1")" >"$2"; }

# ours FILE: prints the process id that FILE remembers if that very process still runs as this user.
ours() {
  local pid start
  [[ -f $1 && -O $1 && ! -L $1 ]] || return 1
  read -r pid start <"$1" || return 1
  [[ $pid =~ ^[1-9][0-9]*$ && -n $start && $(started "$pid") == "$start" ]] || return 1
  kill -0 "$pid" 2>/dev/null || return 1
  echo "$pid"
}
