// What an application does with pino and pino-loki: URL, tenant, a name for the stream, how many lines.
import pino from "pino";

const [host, tenant, app, count] = process.argv.slice(2);
const transport = pino.transport({
  target: "pino-loki",
  options: {
    host,
    labels: { app },
    propsToLabels: ["component"],
    headers: { "X-Scope-OrgID": tenant },
    batching: { interval: 1 },
  },
});
const logger = pino({ level: "debug" }, transport);
for (let i = 0; i < Number(count); i++) {
  logger.info({ component: i % 2 ? "odd" : "even", meta: { order: i, trace_id: "t" + i } }, `line ${i}`);
}
logger.error({ component: "even", err: new Error("card declined") }, "a failure, with \"quotes\" and ünïcode");
logger.debug({ component: "odd" }, "a detail");
transport.end();
