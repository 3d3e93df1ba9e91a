// An account's guard that is out of order, in the way that the begin of its
// address says.
import { DurableObject } from "cloudflare:workers";

const never = new Promise(() => {});

export class AccountGuard extends DurableObject {
  async ask(question) {
    const email = JSON.parse(question).check?.email ?? "";
    if (email.startsWith("silent")) await never;
    if (email.startsWith("slow")) await new Promise((done) => setTimeout(done, 20_000));
    if (email.startsWith("rubbish")) return "rubbish";
    if (email.startsWith("nothing")) return undefined;
    if (email.startsWith("other")) return JSON.stringify({ stamped: { at: 1 } });
    throw new Error("Durable Object is overloaded. Too many requests queued.");
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
