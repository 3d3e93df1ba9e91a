// @openauthjs/openauth with its storage for Workers KV. A provider for clients that log in by
// themselves gives out the first refresh token.
import { env } from "cloudflare:workers";
import { issuer } from "@openauthjs/openauth";
import { CloudflareStorage } from "@openauthjs/openauth/storage/cloudflare";

// Takes whatever it is given: a validator's cost is not openauth's.
const anything = {
  "~standard": { version: 1 as const, vendor: "bench", validate: (value: unknown) => ({ value }) },
};

const machine = {
  type: "machine",
  init() {},
  client: async ({ clientID }: { clientID: string }) => ({ id: clientID }),
};

export default issuer({
  storage: CloudflareStorage({ namespace: (env as any).SESSIONS }),
  subjects: { user: anything } as any,
  providers: { machine } as any,
  // A day in which a token that was used may be used again, so that one can be replayed.
  ttl: { reuse: 86400 },
  success: async (context: any, value: any) => context.subject("user", { id: value.id }),
});
