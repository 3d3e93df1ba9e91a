// @cloudflare/workers-oauth-provider with the settings of its README. `/begin` stands for the page
// where a user logs in and consents: it makes a public client once and answers with a code.
import { OAuthProvider } from "@cloudflare/workers-oauth-provider";

const REDIRECT = "https://app.example.com/callback";

const pages = {
  async fetch(request: Request, env: { OAUTH_PROVIDER: any }) {
    const userId = new URL(request.url).searchParams.get("user") ?? "ada";
    const client = await env.OAUTH_PROVIDER.createClient({
      redirectUris: [REDIRECT],
      tokenEndpointAuthMethod: "none",
    });
    const challenge = new URL(request.url).searchParams.get("challenge");
    const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
      request: {
        responseType: "code",
        clientId: client.clientId,
        redirectUri: REDIRECT,
        scope: [],
        state: "",
        codeChallenge: challenge,
        codeChallengeMethod: "S256",
      },
      userId,
      metadata: {},
      scope: [],
      props: { userId, device: "phone" },
    });
    const code = new URL(redirectTo).searchParams.get("code");
    return Response.json({ code, clientId: client.clientId, redirectUri: REDIRECT });
  },
};

const api = { fetch: () => new Response("ok") };

export default new OAuthProvider({
  apiRoute: "/api/",
  apiHandler: api as any,
  defaultHandler: pages as any,
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/token",
  resourceMetadata: { resource: "https://api.example.com/api" },
});
