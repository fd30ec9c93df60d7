#!/usr/bin/env bash
# Builds the manifest as somebody outside of this repository would: the sources
# in a scratch folder, a module of its own, versions resolved by ocb.
#   internal/tools/ocb-outside.sh PATH-TO-OCB
set -euo pipefail
ocb=$1
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
manifest=$scratch/builder-config.yaml
sed "s#output_path: .*#output_path: $scratch/otelcol-foundation#" builder-config.yaml >"$manifest"
"$ocb" --config "$manifest" --ldflags='-s -w'
"$scratch/otelcol-foundation/otelcol-foundation" validate --config otelcol-foundation.yaml
echo "ocb outside of the repository: compiled, and validates otelcol-foundation.yaml"
