// Cloudflare's rate limit, as far as the worker uses it. It lets so many calls pass, and counts no
// minutes: what a test sees does not depend on when it runs. The `worker` crate asks for the name.
class Ratelimit {
  #left;

  constructor({ limit }) {
    this.#left = limit;
  }

  async limit() {
    this.#left -= 1;
    return { success: this.#left >= 0 };
  }
}

export default (settings) => new Ratelimit(settings);
