#!/usr/bin/env bash
# The shipped configuration with shorter windows, and a generator that has an
# incident: dispatches slow down and fail, a circuit breaker opens. Takes less
# than three minutes and leaves what came out in data/demo.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${FOUNDATION_DATA_DIR:-./data}/demo
rm -rf "$data"
mkdir -p "$data"

FOUNDATION_DATA_DIR=$data bin/otelcol-foundation \
  --config otelcol-foundation.yaml --config examples/demo/overlay.yaml >"$data/collector.log" 2>&1 &
collector=$!
trap 'kill $collector 2>/dev/null; wait $collector 2>/dev/null || true' EXIT

# Wait until it listens: bash's own TCP, since curl may not be here.
otlp=${FOUNDATION_OTLP_GRPC_ENDPOINT:-127.0.0.1:4317}
for _ in $(seq 150); do
  (exec 3<>"/dev/tcp/${otlp%:*}/${otlp##*:}") 2>/dev/null && break
  kill -0 $collector 2>/dev/null || { echo "the collector did not start:" >&2; tail -5 "$data/collector.log" >&2; exit 1; }
  sleep 0.2
done

echo "the collector runs (its log: $data/collector.log); the incident begins in about a minute and ends in two"
bin/foundationctl generate --scenario demo --endpoint "$otlp" >"$data/sent.txt" &
generator=$!
start=$(date +%s)

# One line for each alert event that the collector has written since the last call.
shown=0
show() {
  [ -f "$data/alerts.jsonl" ] || return 0
  local lines
  lines=$(wc -l <"$data/alerts.jsonl")
  tail -n +$((shown + 1)) "$data/alerts.jsonl" |
    grep -oE '"timeUnixNano":"[0-9]+|"key":"(alert\.rule\.name|alert\.label\.degradation\.metric\.name|alert\.label\.foundation_os\.circuit_breaker\.name)","value":\{"stringValue":"[^"]*|"eventName":"[^"]*' |
    awk -F'"' -v start="$start" '
      $2 == "timeUnixNano" { at = substr($4, 1, 10) - start; what = "" }
      $2 == "key"          { what = what " " $(NF) }
      $2 == "eventName"    { printf "%4ds  %-50s%s\n", at, $4, what }' || true
  shown=$lines
}

while kill -0 $generator 2>/dev/null; do
  kill -0 $collector 2>/dev/null || { echo "the collector stopped:" >&2; tail -20 "$data/collector.log" >&2; exit 1; }
  show
  sleep 2
done
sent=0
wait $generator || sent=$?
# what the last minute of traffic resolves
for _ in 1 2 3 4 5; do sleep 2; show; done

echo
echo "Look at:"
echo "  $data/alerts.jsonl   the alert events"
echo "  $data/traces.jsonl   the spans that were kept, $data/logs.jsonl the log records"
echo "  $data/sent.txt       what was sent"
exit $sent
