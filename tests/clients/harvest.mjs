// Harvests an event stream with ldes-client: node harvest.mjs <address> <file of members> [state folder] [option=value …]
//
// Each member becomes a line of JSON: its IRI, its time, its quads as N-Quads. The line is on disk before the client
// notes in its state that the member was emitted, which its own stream and its command line do not wait for: so what is
// killed and started again may write a member twice, and never leaves one out.
import { openSync, writeSync } from "node:fs";
import { intoConfig, replicateLDES } from "ldes-client";
import { Writer } from "n3";

const [url, file, statePath, ...options] = process.argv.slice(2);
const given = Object.fromEntries(options.map((option) => option.split("=", 2)));
const target = openSync(file, "a");

const client = replicateLDES(
  intoConfig({
    url,
    statePath: statePath || undefined,
    materialize: given.materialize === "true",
    lastVersionOnly: given.lastVersionOnly === "true",
    after: given.after ? new Date(given.after) : undefined,
    polling: given.follow === "true",
    pollInterval: given.follow === "true" ? 200 : undefined,
  }),
  given.ordered ?? "none",
);
client.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});

const emit = (member) => {
  const writer = new Writer({ format: "application/n-quads" });
  const quads = writer.quadsToString(member.quads);
  writeSync(target, JSON.stringify({ id: member.id.value, when: member.timestamp, quads }) + "\n");
  return true;
};
await client.init(emit, () => client.close());
