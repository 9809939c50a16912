#!/usr/bin/env bash
# Healthy: the role's web page answers; a container without one (driver, executor, command) is judged by its process.
set -euo pipefail
[[ -r /tmp/powersweep-port ]] || exit 0
port=$(</tmp/powersweep-port)
exec 3<>"/dev/tcp/${POWERSWEEP_HOST:-$(hostname -f 2>/dev/null || hostname)}/$port"
printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 4 answer <&3
[[ $answer =~ ^HTTP/1\.[01]\ (200|302) ]]
