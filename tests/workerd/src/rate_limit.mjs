// Cloudflare's rate limit, as far as the worker uses it. It lets so many calls pass, and counts no
// minutes: what a test sees does not depend on when it runs.
export default ({ limit }) => {
  let calls = 0;
  return { limit: async () => ({ success: ++calls <= limit }) };
};
