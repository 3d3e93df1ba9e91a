// openid-client, as an app that refreshes and logs out, and as an API that asks about a token.
import assert from "node:assert/strict";
import * as client from "openid-client";

const { WORKER, REFRESH_TOKEN, SERVICE_KEY, USER_ID: USER } = process.env;
const onLoopback = { execute: [client.allowInsecureRequests] };
const discover = (id, authentication) =>
  client.discovery(new URL(WORKER), id, undefined, authentication, onLoopback);
const app = await discover("app", client.None());
const api = await discover("api", client.ClientSecretBasic(SERVICE_KEY));

const tokens = await client.refreshTokenGrant(app, REFRESH_TOKEN);
assert.equal(tokens.token_type, "bearer");
assert.ok(tokens.expiresIn() > 3500);
const info = await client.fetchUserInfo(app, tokens.access_token, USER);
assert.deepEqual(info, { sub: USER, email: "ada@example.com", name: "Ada" });
const report = await client.tokenIntrospection(api, tokens.access_token);
assert.deepEqual([report.active, report.sub, report.iss], [true, USER, WORKER]);

await client.tokenRevocation(app, tokens.refresh_token);
assert.deepEqual(await client.tokenIntrospection(api, tokens.access_token), { active: false });
await assert.rejects(client.refreshTokenGrant(app, tokens.refresh_token), {
  error: "invalid_grant",
  status: 400,
});
await assert.rejects(client.fetchUserInfo(app, tokens.access_token, USER), { status: 401 });
const stranger = await discover("api", client.ClientSecretBasic("x"));
await assert.rejects(client.tokenIntrospection(stranger, tokens.access_token), { status: 401 });
