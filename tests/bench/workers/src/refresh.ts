// What a careful developer writes by hand with hono and jose: Tokenkeep's refresh, with the same
// reads, the same checks, the same answer and the same headers.
import { Hono } from "hono";
import { SignJWT, jwtVerify } from "jose";
import { type Activity, type CutOff, type Session, judge } from "./rule";

interface Env {
  SESSIONS: KV;
  refresh_token_secret: string;
  ACCESS_TOKEN_SECONDS: string;
  SESSION_IDLE_SECONDS: string;
  ISSUER?: string;
  AUDIENCE?: string;
}

export interface KV {
  get(keys: string[], type: "text"): Promise<Map<string, string | null>>;
  get(key: string, type: "text"): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
}

/** How three keys are read: in one call, or in three at a time. */
export type Read = (kv: KV, keys: [string, string, string]) => Promise<(string | null)[]>;

interface Keys {
  secret: string;
  refresh: CryptoKey;
  access: CryptoKey;
}

// Keys are imported once for each isolate, not for each request.
let keys: Keys | undefined;

async function keysOf(secret: string): Promise<Keys> {
  if (keys?.secret === secret) return keys;
  const bytes = new TextEncoder().encode(secret.trim());
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const refresh = await crypto.subtle.importKey("raw", bytes, hmac, false, ["sign", "verify"]);
  const source = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode("tokenkeep access token v1");
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  const derived = await crypto.subtle.deriveBits(hkdf, source, 256);
  const access = await crypto.subtle.importKey("raw", derived, hmac, false, ["sign"]);
  keys = { secret, refresh, access };
  return keys;
}

const HEADERS = {
  "Content-Type": "application/json",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate",
};

function refusal(status: 400 | 401 | 503, code: string) {
  const body = { code, message: "See the code.", requestId: crypto.randomUUID() };
  return new Response(JSON.stringify(body), { status, headers: HEADERS });
}

const USER_ID = /^[A-Za-z0-9_.@+|-]{1,128}$/;
const SESSION_ID = /^[A-Za-z0-9_-]{22}$/;

export function refreshing(read: Read) {
  const app = new Hono<{ Bindings: Env }>();

  // A line of JSON for each request.
  app.use(async (c, next) => {
    const began = Date.now();
    await next();
    const requestId = c.req.header("cf-ray") ?? randomId();
    const route = "/auth/token";
    const { method } = c.req;
    const { status } = c.res;
    console.log(JSON.stringify({ event: "request", route, method, status, requestId, ms: Date.now() - began }));
  });

  app.post("/auth/token", async (c) => {
    const body = await c.req.json().catch(() => undefined);
    const text = body?.refreshToken ?? body?.refresh_token;
    if (typeof text !== "string" || text.length > 4096) return refusal(400, "invalid_request");

    const { refresh, access } = await keysOf(c.env.refresh_token_secret);
    const verified = await jwtVerify(text, refresh, { algorithms: ["HS256"], typ: "rt+jwt" }).catch(() => undefined);
    if (!verified) return refusal(401, "refresh_token_invalid");
    const { sub, sid, gen, iat, exp } = verified.payload as Record<string, unknown>;
    const isOurs =
      typeof sub === "string" && USER_ID.test(sub) &&
      typeof sid === "string" && SESSION_ID.test(sid) &&
      Number.isInteger(gen) && Number.isInteger(iat) && Number.isInteger(exp);
    if (!isOurs) return refusal(401, "refresh_token_invalid");

    const stored = await read(c.env.SESSIONS, [`session:${sub}:${sid}`, `activity:${sid}`, `revoked:${sub}`]);
    const [session, activity, cutOff] = stored.map((value) => (value === null ? null : JSON.parse(value)));
    const now = Date.now();
    const idleMs = Number(c.env.SESSION_IDLE_SECONDS) * 1000;
    const presented = { gen: gen as number, iat: iat as number };
    const verdict = judge(sid, presented, session as Session, activity as Activity, cutOff as CutOff, idleMs, now);

    if (verdict.kind === "not_yet_here") return refusal(503, "temporarily_unavailable");
    if (verdict.kind === "refresh_token_reused") {
      const tombstone = JSON.stringify({ v: 1, revoked_at: now });
      await c.env.SESSIONS.put(`session:${sub}:${sid}`, tombstone, { expirationTtl: ttl((exp as number) * 1000 - now) });
    }
    if (verdict.kind !== "live") return refusal(401, verdict.kind);
    const { answer, note } = verdict;
    if (note) {
      const expirationTtl = ttl(Math.min(idleMs + idleMs / 3, session.expires_at - now));
      c.executionCtx.waitUntil(c.env.SESSIONS.put(`activity:${sid}`, JSON.stringify(note), { expirationTtl }));
    }

    const sessionEnd = Math.floor(session.expires_at / 1000);
    const issuedAt = Math.floor(now / 1000);
    const expiresAt = Math.min(issuedAt + Number(c.env.ACCESS_TOKEN_SECONDS), sessionEnd);
    const issuer = c.env.ISSUER ?? new URL(c.req.url).origin;
    const account = session.account ? ".account" : "";
    const accessToken = await new SignJWT({
      ...session.claims,
      sid,
      gen: `${answer.gen}.${answer.iat}${account}`,
    })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
      .setIssuer(issuer)
      .setSubject(sub)
      .setAudience(c.env.AUDIENCE ?? issuer)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomId())
      .sign(access);
    const refreshToken = await new SignJWT({ sub, sid, gen: answer.gen, iat: answer.iat, exp: sessionEnd })
      .setProtectedHeader({ alg: "HS256", typ: "rt+jwt" })
      .sign(refresh);
    const answered = {
      accessToken,
      refreshToken,
      tokenType: "Bearer",
      expiresIn: expiresAt - issuedAt,
      expiresAt: expiresAt * 1000,
      userId: sub,
      sessionId: sid,
    };
    return c.body(JSON.stringify(answered), 200, HEADERS);
  });

  return app;
}

function ttl(milliseconds: number) {
  return Math.max(60, Math.ceil(milliseconds / 1000));
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
