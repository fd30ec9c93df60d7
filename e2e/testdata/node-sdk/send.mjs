// Sends one fixed request through the OpenTelemetry SDK for Node.js, as an Elixir
// bridge would name and attribute it: no layers, .stop and .exception names, nil as
// a string, numbers and booleans as strings, the request's id on one span only.
// expected.yaml says what the collector must make of it.
//
//   OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node send.mjs
//
// Prints {"spans":n,"logs":n,"traceId":"…"} once all of it is acknowledged; exits
// with 1 if it is not, with 2 without an endpoint.
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { logs, NodeSDK, resources, tracing } from '@opentelemetry/sdk-node';

if (!process.env.OTEL_EXPORTER_OTLP_ENDPOINT) {
  console.error('OTEL_EXPORTER_OTLP_ENDPOINT is not set; example: http://127.0.0.1:4318');
  process.exit(2);
}

// An exporter that remembers what was acknowledged: the SDK itself only logs failures.
const sent = { spans: 0, logs: 0 };
const failures = [];
function counting(kind, exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => send(items, (result) => {
    if (result.code === 0) sent[kind] += items.length;
    else failures.push(`${items.length} ${kind}: ${result.error?.message ?? 'not acknowledged'}`);
    done(result);
  });
  return exporter;
}

const spanProcessor = new tracing.BatchSpanProcessor(counting('spans', new OTLPTraceExporter()));
const logProcessor = new logs.BatchLogRecordProcessor({ exporter: counting('logs', new OTLPLogExporter()) });
const loggerProvider = new logs.LoggerProvider({
  resource: resource(),
  processors: [logProcessor],
});
const sdk = new NodeSDK({ resource: resource(), autoDetectResources: false, spanProcessors: [spanProcessor] });
sdk.start();

function resource() {
  return resources.resourceFromAttributes({
    'service.name': 'node-client',
    'service.instance.id': 'node@laptop',
    'deployment.environment': 'stg',
  });
}

// The scope of a bridge says nothing about the layer.
const tracer = trace.getTracer('opentelemetry_telemetry');
const logger = loggerProvider.getLogger('opentelemetry_telemetry');

const began = Date.now() - 1000;

/** A span from one millisecond of the request to another, with what happens inside it. */
function span(name, [from, to], attributes, inside = () => {}, failure) {
  const s = tracer.startSpan(name, { startTime: began + from, attributes });
  context.with(trace.setSpan(context.active(), s), inside);
  if (failure) s.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  s.end(began + to);
  return s;
}

let auction;
const root = span('request.optimize', [0, 1000], {
  agent_id: 'nil', coordination_id: 'undefined', request_success: 'true', agent_count: '2',
}, () => {
  span('foundation.process_registry.lookup.stop', [10, 13], {
    namespace: 'agents', agent_id: 'nil', coordination_id: 'nil', success: 'true',
    duration: 3000000, time_unit: 'native',
  });
  auction = span('foundation_jido.coordination.auction.stop', [20, 100], {
    auction_id: 'auction-node-1', coordination_type: 'auction', resource_type: 'gpu_slot',
    participant_count: 2, winner_count: '1', success: 'ok',
  });
  span('jido.agent.run.stop', [110, 500], {
    agent_id: 'agent-node-a', agent_module: 'Elixir.MyApp.Optimizer', request_id: 'undefined',
  }, () => {
    span('dspex.program.execution.stop', [120, 320], {
      request_id: 'req-node-1', program_id: 'program-node-1', program_type: 'predict',
      signature_complexity: 'simple', success: true, duration_ms: 200, output_quality: '0.75',
    }, () => {
      span('model.call', [130, 300], { 'server.address': 'model.example' });
      span('jido.ai.llm.stop', [140, 290], { agent_id: 'undefined', layer: 'nil' });
    });
  });
  span('jido.agent.run.exception', [510, 700], {
    agent_id: 'agent-node-b', success: 'false', error: 'the model refused', error_category: 'model_error',
  }, () => {
    span('jido.ai.tool.stop', [520, 600], { agent_id: 'nil', success: true });
  });
});

// Spans first: an event that comes after its trace's spans gets the request's id.
await spanProcessor.forceFlush();

context.with(trace.setSpan(context.active(), auction), () => logger.emit({
  timestamp: began + 50,
  severityNumber: SeverityNumber.DEBUG,
  body: '[:foundation_jido, :coordination, :auction, :bid_received]',
  attributes: { auction_id: 'auction-node-1', agent_id: 'agent-node-a', bid_value: '12.5' },
}));
logger.emit({
  timestamp: began + 60,
  severityNumber: SeverityNumber.WARN,
  eventName: 'foundation.infrastructure.rate_limiter.throttled',
  attributes: { name: 'model_api', agent_id: 'nil' },
});

await loggerProvider.shutdown();
await sdk.shutdown();

if (failures.length > 0) {
  console.error(`not acknowledged: ${failures.join('; ')}`);
  process.exit(1);
}
console.log(JSON.stringify({ ...sent, traceId: root.spanContext().traceId }));
