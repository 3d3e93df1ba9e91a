// Cloudflare calls this file; it calls the worker's WebAssembly.
//
// A Rust panic ends the WebAssembly instance, and with it every request it was
// working on: their promises would stay open for ever. So each request in
// flight leaves a way to end it here, and a fresh instance takes over at once.
//
// index.js is made by wasm-bindgen; `cargo xtask build` lays it beside this file.
import * as worker from "./index.js";

// For each request in flight, the function that ends it.
const inFlight = new Set();
let isBroken = false;

function startAfresh(reason) {
  isBroken = true;
  for (const end of inFlight) end(reason);
  inFlight.clear();
  worker.__wbg_reset_state();
  isBroken = false;
}

// Rust runs in microtasks, so this is where a panic, a lack of memory or a full
// stack comes out. Waiting for the next request would be too late: what the
// dead instance left in the queue would run in the new one. Afterwards it is
// refused with the error that is ignored here.
addEventListener("error", ({ error }) => {
  const isLeftover = error?.message?.startsWith("Cannot invoke closure from previous");
  if (!isLeftover) startAfresh(error);
});

async function fetch(request, env, ctx) {
  const { promise: ended, reject: end } = Promise.withResolvers();
  inFlight.add(end);
  try {
    if (isBroken) startAfresh();
    return await Promise.race([worker.fetch(request, env, ctx), ended]);
  } catch (error) {
    console.error(`this request ended with the instance that served it: ${error}`);
    return unavailable();
  } finally {
    inFlight.delete(end);
  }
}

// A repetition meets a fresh instance, so this is no 500.
function unavailable() {
  const body = {
    code: "temporarily_unavailable",
    message: "Something failed on our side. Send the same request again.",
    requestId: crypto.randomUUID(),
  };
  const headers = { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Retry-After": "1" };
  return Response.json(body, { status: 503, headers });
}

// A Durable Object written in Rust is exported here by name, as in
//   export { AccountGuard } from "./index.js";
// Its objects do not survive the instance: a method that fails should end in
// `ctx.abort()`, so that Cloudflare makes the object anew.
export default { fetch };
