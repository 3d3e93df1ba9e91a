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

// One request and its answer, as Rust sees them.
class Exchange {
  constructor(request, env, context, resolve, end) {
    this.request = request;
    this.env = env;
    this.context = context;
    this.resolve = resolve;
    this.end = end;
    inFlight.add(end);
  }

  header(name) {
    return this.request.headers.get(name);
  }

  answer(status, headers, body) {
    inFlight.delete(this.end);
    this.resolve(new Response(body || null, { status, headers: headersOf(headers) }));
  }
}

// Headers from their lines. Most answers have the same ones, so what was made is kept.
const knownHeaders = new Map();
const MOST_KNOWN_HEADERS = 16;

function headersOf(lines) {
  let headers = knownHeaders.get(lines);
  if (headers === undefined) {
    headers = new Headers();
    for (const line of lines.split("\n").slice(0, -1)) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1));
    }
    if (knownHeaders.size === MOST_KNOWN_HEADERS) knownHeaders.clear();
    knownHeaders.set(lines, headers);
  }
  return headers;
}

function fetch(request, env, context) {
  const answer = new Promise((resolve, end) => {
    if (isBroken) startAfresh();
    const exchange = new Exchange(request, env, context, resolve, end);
    try {
      worker.serve(exchange);
    } catch (error) {
      startAfresh(error);
    }
  });
  // The instance may be ended by another request, and a Response belongs to the one that makes it.
  const answered = answer.catch(unavailable);
  // What was begun is ended even if the caller hangs up: a change of password is not left half
  // done, and nothing waits in Rust for ever.
  context.waitUntil(answered);
  return answered;
}

// A repetition meets a fresh instance, so this is no 500.
const UNAVAILABLE = "temporarily_unavailable";

function unavailable(reason) {
  const requestId = crypto.randomUUID();
  const cause = `this request ended with the instance that served it: ${reason}`;
  console.error(JSON.stringify({ event: "fault", code: UNAVAILABLE, cause, requestId }));
  const body = {
    code: UNAVAILABLE,
    message: "Something failed on our side. Send the same request again.",
    requestId,
  };
  const headers = { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Retry-After": "2" };
  return Response.json(body, { status: 503, headers });
}

// The Durable Object around the guard in Rust. The guard ends with its instance
// and is made anew; what it has to remember is in the storage.
export class AccountGuard extends DurableObject {
  #guard;
  #instance;

  #current() {
    if (this.#instance !== instance) {
      this.#guard = new worker.GuardObject(this.ctx, this.env);
      this.#instance = instance;
    }
    return this.#guard;
  }

  ask(request) {
    return guarded(() => this.#current().ask(request));
  }

  alarm() {
    return guarded(() => this.#current().alarm());
  }
}

export default { fetch };
