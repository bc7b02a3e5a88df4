// What an application does with winston and winston-loki: URL, tenant, a name for the stream, json or protobuf, how many lines.
import winston from "winston";
import LokiTransport from "winston-loki";

const [host, tenant, app, form, count] = process.argv.slice(2);
const failed = (error) => {
  console.error("push failed: " + error.message);
  process.exitCode = 1;
};
const transport = new LokiTransport({
  host,
  labels: { app },
  json: form === "json",
  format: winston.format.json(),
  interval: 1,
  headers: { "X-Scope-OrgID": tenant },
  clearOnError: true,
  onConnectionError: failed,
});
const logger = winston.createLogger({ level: "debug", transports: [transport] });
for (let i = 0; i < Number(count); i++) {
  logger.info({ message: `line ${i}`, order: i, labels: { component: i % 2 ? "odd" : "even" } });
}
logger.error({ message: "a failure, with \"quotes\" and ünïcode", labels: { component: "even" } });
await transport.flush();
await transport.close();
