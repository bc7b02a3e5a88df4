// What a program does with @myunisoft/loki, which pushes and asks: URL, a name for the stream, how many lines. Prints what it read as JSON.
import { GrafanaApi } from "@myunisoft/loki";

const [remoteApiURL, app, count] = process.argv.slice(2);
const { Loki } = new GrafanaApi({ remoteApiURL, authentication: { type: "bearer", token: "nobody asks for it" } });
const now = BigInt(Date.now()) * 1000000n;
const values = Array.from({ length: Number(count) }, (_, i) => [String(now - BigInt(i) * 1000000000n), `GET 200 /orders/${i}`]);
await Loki.push([{ stream: { app, env: "test" }, values }]);
const selector = `{app="${app}"}`;
const answer = {
  logs: (await Loki.queryRange(selector, { start: "1d", limit: 1000 })).logs,
  streams: (await Loki.queryRangeStream(`${selector} |= "orders/7"`, { start: "1d" })).streams,
  metrics: (await Loki.queryRangeMatrix(`sum by (app) (count_over_time(${selector}[1d]))`, { start: "1m", step: 60 })).metrics,
  labels: await Loki.labels({ since: "1h" }),
  none: await Loki.labelValues("nothing"),
  apps: await Loki.labelValues("app"),
  series: await Loki.series(selector),
};
console.log(JSON.stringify(answer));
