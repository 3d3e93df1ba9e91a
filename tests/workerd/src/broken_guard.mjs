// An account's guard, and a user's sessions, that are out of order, in the way that the begin of the
// address, or of the user's id, says.
import { DurableObject } from "cloudflare:workers";

const never = new Promise(() => {});

async function reply(way) {
  if (way.startsWith("silent")) await never;
  if (way.startsWith("slow")) await new Promise((done) => setTimeout(done, 20_000));
  if (way.startsWith("rubbish")) return "rubbish";
  if (way.startsWith("nothing")) return undefined;
  if (way.startsWith("other")) return JSON.stringify({ stamped: { at: 1 } });
  throw new Error("Durable Object is overloaded. Too many requests queued.");
}

export class AccountGuard extends DurableObject {
  ask(question) {
    return reply(JSON.parse(question).check?.email ?? "");
  }
}

export class UserSessions extends DurableObject {
  ask(question) {
    const [{ session }] = Object.values(JSON.parse(question));
    return reply(session?.user ?? "");
  }
}

export default {
  fetch() {
    return new Response(null, { status: 404 });
  },
};
