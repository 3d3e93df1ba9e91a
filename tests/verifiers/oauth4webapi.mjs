// oauth4webapi, as an app that refreshes and logs out, and as an API that asks about a token.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";

const { WORKER, REFRESH_TOKEN, SERVICE_KEY, USER_ID: USER } = process.env;
const onLoopback = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(WORKER);
const [app, api] = [{ client_id: "app" }, { client_id: "api" }];

for (const algorithm of ["oidc", "oauth2"]) {
  const answer = await oauth.discoveryRequest(issuer, { algorithm, ...onLoopback });
  await oauth.processDiscoveryResponse(issuer, answer);
}
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...onLoopback }),
);

async function refresh(token) {
  const answer = await oauth.refreshTokenGrantRequest(server, app, oauth.None(), token, onLoopback);
  return oauth.processRefreshTokenResponse(server, app, answer);
}

async function introspect(token) {
  const secret = oauth.ClientSecretBasic(SERVICE_KEY);
  const answer = await oauth.introspectionRequest(server, api, secret, token, onLoopback);
  return oauth.processIntrospectionResponse(server, api, answer);
}

const tokens = await refresh(REFRESH_TOKEN);
assert.equal(tokens.token_type, "bearer");
assert.ok(tokens.expires_in > 3500);
const info = await oauth.userInfoRequest(server, app, tokens.access_token, onLoopback);
const { sub } = await oauth.processUserInfoResponse(server, app, USER, info);
assert.equal(sub, USER);
const report = await introspect(tokens.access_token);
assert.deepEqual([report.active, report.sub], [true, USER]);
assert.deepEqual(await introspect(tokens.refresh_token), { active: false });

const [none, token] = [oauth.None(), tokens.access_token];
const revocation = await oauth.revocationRequest(server, app, none, token, onLoopback);
await oauth.processRevocationResponse(revocation);
assert.deepEqual(await introspect(tokens.access_token), { active: false });
await assert.rejects(refresh(tokens.refresh_token), { error: "invalid_grant", status: 400 });
await assert.rejects(refresh("x"), { error: "invalid_grant", status: 400 });
