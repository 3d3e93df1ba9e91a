// Cloudflare's rate limit, as far as the worker uses it. It lets so many calls of a key pass, and counts no
// minutes: what a test sees does not depend on when it runs. The `worker` crate asks for the name.
class Ratelimit {
  #limit;
  #counts = new Map();

  constructor({ limit }) {
    this.#limit = limit;
  }

  async limit({ key }) {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return { success: count <= this.#limit };
  }
}

export default (settings) => new Ratelimit(settings);
