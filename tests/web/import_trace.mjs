// Lets Perfetto's own importer read a trace: `node import_trace.mjs IMPORTER TRACE.json`, where IMPORTER has
// trace_processor.wasm with its two modules. Says what it found as JSON; fails where the importer lost or refused anything.
import {readFileSync} from "node:fs";
import {join} from "node:path";
import vm from "node:vm";
import {MessageChannel} from "node:worker_threads";

const [importer, trace] = process.argv.slice(2);
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = function () {};
globalThis.location = {href: "file:///"};
globalThis.importerBytes = readFileSync(join(importer, "trace_processor.wasm"));
let source = readFileSync(join(importer, "engine_bundle.node.js"), "utf8");
/// It is made for a browser's worker: three places are to be changed, and if one is not there, it is another version.
function replace(what, by) {
  if (!source.includes(what)) throw new Error("another version of the importer: no " + what);
  source = source.replace(what, by);
}
replace("this.useMemory64 = hasMemory64Support();", "this.useMemory64 = false;");
replace("locateFile: (s) => s,", "locateFile: (s) => s, wasmBinary: globalThis.importerBytes,");
replace("const wasmBridge = new wasm_bridge_1.WasmBridge();", "const wasmBridge = new wasm_bridge_1.WasmBridge(); globalThis.importerBridge = wasmBridge;");
console.log = () => {};
console.error = console.warn = () => {};
vm.runInThisContext(source);
const {EngineBase} = await import(join(importer, "engine.mjs"));
const channel = new MessageChannel();
globalThis.importerBridge.initialize(channel.port1);
class Engine extends EngineBase {
  id = "trace";
  mode = "WASM";
  constructor() {
    super();
    channel.port2.on("message", (bytes) => this.onRpcResponseBytes(bytes));
  }
  rpcSendRequestBytes(bytes) {
    channel.port2.postMessage(bytes);
  }
  [Symbol.dispose]() {}
}
// It has no event for when it is ready; it takes requests before, once its memory is there.
await new Promise((ready) => setTimeout(ready, 800));
const engine = new Engine(), bytes = readFileSync(trace), piece = 1 << 20;
for (let at = 0; at < bytes.length; at += piece) await engine.parse(new Uint8Array(bytes.subarray(at, at + piece)));
await engine.notifyEof();
async function rows(sql) {
  const result = await engine.query(sql), all = [];
  for (const it = result.iter({}); it.valid(); it.next())
    all.push(Object.fromEntries(result.columns().map((name) => [name, typeof it.get(name) === "bigint" ? Number(it.get(name)) : it.get(name)])));
  return all;
}
const bad = await rows("select name, value from stats where value > 0 and (severity in ('error', 'data_loss') or name like '%flow%')");
const count = async (table) => (await rows("select count(*) as n from " + table))[0].n;
process.stdout.write(JSON.stringify({bad, slices: await count("slice"), flows: await count("flow"), counters: await count("counter")}) + "\n");
process.exit(bad.length ? 1 : 0);
