// oauth4webapi, as an API that takes access tokens of RFC 9068 and no others.
import * as oauth from "oauth4webapi";

const { WORKER } = process.env;
const onLoopback = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(WORKER);
const discovery = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...onLoopback });
const server = await oauth.processDiscoveryResponse(issuer, discovery);

export async function userOf(token) {
  const request = new Request(issuer, { headers: { Authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, WORKER, onLoopback);
  return claims.sub;
}
