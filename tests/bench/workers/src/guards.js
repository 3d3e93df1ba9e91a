// Around the built worker, for the cost of a login: accounts in memory in place of D1, so that no
// simulator of a database is measured; and a guard that says yes to everyone, so that what is left
// is what the Worker itself does.
import { DurableObject } from "cloudflare:workers";
import worker, { AccountGuard } from "./index.js";

const rows = new Map();

// The `worker` crate asks for the name of the class.
class D1Database {
  prepare = (sql) => ({
    bind: (...values) => ({
      all: async () => {
        if (sql.startsWith("SELECT")) return found(rows.get(values[0]));
        if (!sql.startsWith("INSERT")) throw new Error("a login changes no account");
        const [id, email, name, password_hash, created_at] = values;
        const row = { id, email, name, password_hash, created_at, email_verified: 0, moved_at: 0 };
        rows.set(email, row);
        return { success: true, results: [], meta: { changes: 1 } };
      },
    }),
  });
}

const found = (row) => ({ success: true, results: row ? [row] : [], meta: {} });
const accounts = new D1Database();

/** The guard as it is, with argon2id. */
export class RealGuard extends AccountGuard {
  constructor(ctx, env) {
    super(ctx, { ...env, DB: accounts });
  }
}

/** A guard that hashes nothing. */
export class StubGuard extends DurableObject {
  ask(question) {
    const { email } = JSON.parse(question).check;
    const account = { id: "ada", email, name: null, created_at: 0 };
    return JSON.stringify({ done: { account, at: Date.now() } });
  }
}

export default worker;
