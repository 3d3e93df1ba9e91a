// Cloudflare calls this file; it calls the worker's WebAssembly.
//
// A Rust panic ends the WebAssembly instance, and with it everything it was
// working on: those promises would stay open for ever. So each call in flight
// leaves a way to end it here, and a fresh instance takes over at once.
//
// index.js is made by wasm-bindgen; `cargo xtask build` lays it beside this file.
import { DurableObject } from "cloudflare:workers";
import * as worker from "./index.js";

// For each call in flight, the function that ends it.
const inFlight = new Set();
let isBroken = false;
// Counts the instances, for those who hold on to something of one.
let instance = 1;

function startAfresh(reason) {
  isBroken = true;
  for (const end of inFlight) end(reason);
  inFlight.clear();
  worker.__wbg_reset_state();
  instance += 1;
  isBroken = false;
}

// Rust runs in microtasks, so this is where a panic, a lack of memory or a full
// stack comes out. Waiting for the next call would be too late: what the dead
// instance left in the queue would run in the new one. Afterwards it is refused
// with the error that is ignored here.
addEventListener("error", ({ error }) => {
  const isLeftover = error?.message?.startsWith("Cannot invoke closure from previous");
  if (!isLeftover) startAfresh(error);
});

// Makes a call, and fails when the instance that serves it ends.
async function guarded(call) {
  const { promise: ended, reject: end } = Promise.withResolvers();
  inFlight.add(end);
  try {
    if (isBroken) startAfresh();
    return await Promise.race([call(), ended]);
  } finally {
    inFlight.delete(end);
  }
}

async function fetch(request, env, ctx) {
  try {
    return await guarded(() => worker.fetch(request, env, ctx));
  } catch (error) {
    const requestId = crypto.randomUUID();
    const cause = `this request ended with the instance that served it: ${error}`;
    console.error(JSON.stringify({ event: "fault", code: UNAVAILABLE, cause, requestId }));
    return unavailable(requestId);
  }
}

// A repetition meets a fresh instance, so this is no 500.
const UNAVAILABLE = "temporarily_unavailable";

function unavailable(requestId) {
  const body = {
    code: UNAVAILABLE,
    message: "Something failed on our side. Send the same request again.",
    requestId,
  };
  const headers = { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Retry-After": "1" };
  return Response.json(body, { status: 503, headers });
}

// The Durable Object around the guard in Rust. The guard ends with its instance
// and is made anew; what it has to remember is in the storage.
export class AccountGuard extends DurableObject {
  #guard;
  #instance;

  #current() {
    if (this.#instance !== instance) {
      this.#guard = new worker.GuardInside(this.ctx.storage, this.env);
      this.#instance = instance;
    }
    return this.#guard;
  }

  ask(question) {
    return guarded(() => this.#current().ask(question));
  }

  alarm() {
    return guarded(() => this.#current().alarm());
  }
}

export default { fetch };
