#!/usr/bin/env bash
# Installs what the tests need beyond Go, by Debian package name: a C compiler
# for the race detector, a real Prometheus to scrape and query, a real
# Alertmanager to notify, Node.js for the OpenTelemetry client of the e2e tests.
# The servers are started by the tests themselves, never as a service.
set -euo pipefail
want=()
command -v "$(go env CC)" >/dev/null || want+=(gcc libc6-dev)
command -v prometheus >/dev/null || want+=(prometheus)
command -v prometheus-alertmanager >/dev/null || want+=(prometheus-alertmanager)
command -v node >/dev/null || want+=(nodejs)
command -v npm >/dev/null || want+=(npm)
[ ${#want[@]} -gt 0 ] || { echo "packages: all there"; exit 0; }
command -v apt-get >/dev/null || { echo "packages: no apt-get here; install by hand: ${want[*]}" >&2; exit 1; }
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${want[@]}"
