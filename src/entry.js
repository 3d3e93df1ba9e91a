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

// One answer, as Rust sees it.
class Exchange {
  constructor(resolve, end) {
    this.resolve = resolve;
    this.end = end;
    inFlight.add(end);
  }

  answer(status, headers, body) {
    inFlight.delete(this.end);
    this.resolve(new Response(body || null, { status, headers: headersOf(headers) }));
  }
}

// Headers from their lines. Most answers have the same ones, so they are cached.
const cachedHeaders = new Map();
const MAX_CACHED_HEADERS = 16;

function headersOf(lines) {
  let headers = cachedHeaders.get(lines);
  if (headers === undefined) {
    headers = new Headers();
    for (const line of lines.split("\n").slice(0, -1)) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1));
    }
    if (cachedHeaders.size === MAX_CACHED_HEADERS) cachedHeaders.clear();
    cachedHeaders.set(lines, headers);
  }
  return headers;
}

// Bytes of a body that are kept, bytes that are read at all, and milliseconds to wait.
const [BODY_BYTES, DISCARDED_BYTES, BODY_TIMEOUT_MS] = worker.body_limits();
const { Whole, TooLarge, Unreadable, Late } = worker.BodyEnd;
const NOTHING = new Uint8Array();

// Reads a body within its limits, and passes on its bytes, how it ended, and how long it took.
function readBody(request, deliver) {
  const start = Date.now();
  const announced = Number(request.headers.get("content-length"));
  let timer = setTimeout(() => finish(NOTHING, announced > BODY_BYTES ? TooLarge : Late), BODY_TIMEOUT_MS);

  function finish(bytes, end) {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    if (bytes.length > BODY_BYTES) deliver(NOTHING, TooLarge, 0);
    else deliver(bytes, end, Date.now() - start);
  }

  // Almost every body says that it is small, and is read in one call.
  const isSmall = announced > 0 && announced <= BODY_BYTES;
  const reading = isSmall ? request.arrayBuffer().then((buffer) => new Uint8Array(buffer)) : readPieces(request.body);
  reading.then(
    (bytes) => finish(bytes, Whole),
    () => finish(NOTHING, Unreadable),
  );
}

// The bytes of a body; of a larger one, so many that it is seen to be too large.
async function readPieces(body) {
  const pieces = [];
  let received = 0;
  for await (const piece of body) {
    received += piece.length;
    if (received - piece.length <= BODY_BYTES) pieces.push(piece);
    if (received > DISCARDED_BYTES) break;
  }
  return joined(pieces);
}

function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let start = 0;
  for (const piece of pieces) {
    bytes.set(piece, start);
    start += piece.length;
  }
  return bytes;
}

// Where this isolate runs: it stays in its place, and `cf` has dozens of fields.
let colo;

// What Rust reads of a request, a line each.
function headOf(request) {
  const { method, url, headers } = request;
  return [
    method,
    url,
    headers.get("cf-connecting-ip"),
    headers.get("authorization"),
    headers.get("origin"),
    method === "OPTIONS" ? headers.get("access-control-request-headers") : null,
    headers.get("cf-ray"),
    (colo ??= request.cf?.colo ?? ""),
  ].join("\n");
}

function fetch(request, env, context) {
  const answer = new Promise((resolve, end) => {
    const serve = (body, bodyEnd, waited) => {
      if (isBroken) startAfresh();
      const exchange = new Exchange(resolve, end);
      try {
        worker.serve(exchange, env, context, headOf(request), body, bodyEnd, waited);
      } catch (error) {
        startAfresh(error);
      }
    };
    if (request.body === null) serve(NOTHING, Whole, 0);
    else readBody(request, serve);
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

// A Durable Object around one in Rust. That ends with its instance and is made anew; what it has to
// remember is in the storage.
class RustObject extends DurableObject {
  #object;
  #instance;
  #make;

  constructor(context, env, make) {
    super(context, env);
    this.#make = () => make(context, env);
  }

  #current() {
    if (this.#instance !== instance) {
      this.#object = this.#make();
      this.#instance = instance;
    }
    return this.#object;
  }

  ask(request) {
    return guarded(() => this.#current().ask(request));
  }

  alarm() {
    return guarded(() => this.#current().alarm());
  }
}

export class AccountGuard extends RustObject {
  constructor(context, env) {
    super(context, env, (state, bindings) => new worker.GuardObject(state, bindings));
  }
}

export class UserSessions extends RustObject {
  constructor(context, env) {
    super(context, env, (state, bindings) => new worker.UserSessionsObject(state, bindings));
  }
}

export default { fetch };
