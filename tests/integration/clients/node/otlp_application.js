// What an application does with OpenTelemetry's SDK: URL, tenant, a name for the service, json or proto, none or gzip, how many records.
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

const [host, tenant, service, form, compression, count] = process.argv.slice(2);
const Exporter = form === "json" ? JsonExporter : ProtoExporter;
const exporter = new Exporter({ url: host + "/otlp/v1/logs", headers: { "X-Scope-OrgID": tenant }, compression });
const failures = [];
const send = exporter.export.bind(exporter);
exporter.export = (records, done) =>
  send(records, (result) => {
    if (result.code !== 0) failures.push(result.error);
    done(result);
  });
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": service, "k8s.namespace.name": "eu", replicas: 3, flags: ["a", "b"] }),
  processors: [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 100, maxQueueSize: 100000 })],
});
const logger = provider.getLogger("shop", "2.0");
for (let i = 0; i < Number(count); i++) {
  logger.emit({
    severityNumber: SeverityNumber.WARN,
    severityText: "WARN",
    body: `line ${i}`,
    attributes: { i, ratio: i / 4, ok: true, "http.route": "/a/{b}" },
  });
}
logger.emit({ body: { b: [1, 2.5, true], a: "ünï \"x\"" }, attributes: { kind: "map" } });
await provider.forceFlush();
await provider.shutdown();
if (failures.length > 0) {
  console.error(failures);
  process.exitCode = 1;
}
