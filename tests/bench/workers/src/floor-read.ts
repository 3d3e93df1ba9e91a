// The floor of whatever reads three keys in one call: it reads them, and answers a constant.
import type { KV } from "./refresh";

const KEYS = ["session:floor:AAAAAAAAAAAAAAAAAAAAAA", "activity:AAAAAAAAAAAAAAAAAAAAAA", "revoked:floor"];

export default {
  async fetch(request: Request, env: { SESSIONS: KV }) {
    await env.SESSIONS.get(KEYS, "text");
    return new Response('{"status":"ok"}', { headers: { "Content-Type": "application/json" } });
  },
};
