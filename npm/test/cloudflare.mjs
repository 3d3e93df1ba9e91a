// As much of Cloudflare's API as this program and wrangler need, on this computer.
//
// It remembers which databases, namespaces, workers and secrets there are, and notes every change in
// its order. The databases are SQLite's, the engine behind D1.
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';

/** An error of the API. */
class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const NO_WORKER = 'This Worker does not exist on your account.';

export class Cloudflare {
  /** By their names; the id of a database is `d-` and its name. */
  databases = new Map();
  /** Their titles; the id of a namespace is `k-` and its title. */
  namespaces = [];
  /** The namespaces that hold the mark of a first login. */
  used = new Set();
  /** The bindings of each worker; none before its first upload. */
  workers = new Map();
  /** The secrets of each worker. */
  secrets = new Map();
  /** The ids of the accounts that a token may use. */
  accounts = ['a1'];
  /** The paths that it refuses, and how. Without a status, it does not answer. */
  refusals = [];
  /** What was changed, in order. */
  changes = [];
  /** How many lists of stores do not show what is there. */
  lag = 0;

  database(name, sql = '') {
    const database = new DatabaseSync(':memory:');
    database.exec(sql);
    this.databases.set(name, database);
    return this;
  }

  namespace(title, isUsed = false) {
    this.namespaces.push(title);
    if (isUsed) this.used.add(title);
    return this;
  }

  /** Adds a worker that is online, with its own namespace, this database and these secrets. */
  worker(name, database, secrets = ['refresh_token_secret', 'service_key']) {
    this.workers.set(name, [
      { type: 'kv_namespace', name: 'SESSIONS', namespace_id: 'k-online' },
      { type: 'd1', name: 'DB', id: `d-${database}` },
    ]);
    this.secrets.set(name, new Map(secrets.map((secret) => [secret, 'theirs'])));
    return this;
  }

  /** The worker that a database belongs to. */
  owner(name) {
    return this.databases.get(name).prepare("SELECT value FROM meta WHERE key = 'worker'").get()?.value;
  }

  /** Refuses requests such as `PUT /accounts/…`. */
  refuse(path, status, code, message) {
    this.refusals.push([path, status, code, message]);
    return this;
  }

  takeChanges() {
    return this.changes.splice(0);
  }

  async start() {
    this.server = createServer(async (request, response) => {
      const body = await text(request);
      const [status, answer] = this.#respond(request, body);
      if (!status) return;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #respond({ method, url }, body) {
    try {
      const { pathname, searchParams } = new URL(url, 'http://localhost');
      const refusal = this.refusals.find(([path]) => path.test(`${method} ${pathname}`));
      if (refusal && !refusal[1]) {
        this.changes.push('no answer');
        return [];
      }
      if (refusal) throw new Refusal(...refusal.slice(1));
      const parts = pathname.split('/').slice(1);
      const result = searchParams.get('page') > 1 ? [] : this.#route(method, parts, body, searchParams);
      return [200, { success: true, errors: [], messages: [], result }];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const errors = [{ code: error.code, message: error.message }];
      return [error.status, { success: false, errors, messages: [], result: null }];
    }
  }

  #route(method, parts, body, query) {
    const path = parts.slice(2);
    const starts = (...names) => names.every((name, index) => path[index] === name);
    if (parts[0] === 'memberships' || (parts[0] === 'accounts' && parts.length === 1)) {
      return this.accounts.map((id) => ({ id, name: `Account ${id}`, account: { id, name: `Account ${id}` } }));
    }
    if (starts('d1', 'database')) return this.#d1(method, path.slice(2), body);
    if (starts('storage', 'kv', 'namespaces')) return this.#kv(method, path.slice(3), body, query);
    if (starts('workers', 'scripts') || starts('workers', 'services')) {
      return this.#worker(method, path.slice(2), body);
    }
    return thing();
  }

  #d1(method, [id, action], body) {
    const description = (name) => ({ name, uuid: `d-${name}` });
    if (id === undefined && method === 'POST') {
      const { name } = JSON.parse(body);
      if (this.databases.has(name)) throw new Refusal(400, 7502, 'database already exists');
      this.database(name);
      this.changes.push(`database ${name} made`);
      return description(name);
    }
    if (id === undefined) return this.#list([...this.databases.keys()]).map(description);
    const name = id.replace(/^d-/, '');
    const database = this.databases.get(name);
    if (!database) throw new Refusal(404, 7404, 'The database could not be found');
    if (action !== 'query') return description(name);
    return this.#query(name, database, JSON.parse(body).sql);
  }

  #query(name, database, sql) {
    const changes = () => database.prepare('SELECT total_changes() AS n').get().n;
    const before = changes();
    const answer = execute(database, sql);
    const migration = /values \('([^']+)'\)/.exec(sql)?.[1];
    if (migration) this.changes.push(`${migration} applied to ${name}`);
    else if (changes() > before) this.changes.push(`${name} written`);
    return answer;
  }

  #kv(method, [id, action], body, query) {
    const description = (title) => ({ title, id: `k-${title}` });
    if (action === 'keys') {
      const prefix = query.get('prefix') ?? '';
      return this.used.has(id.replace(/^k-/, '')) ? [{ name: `${prefix}` }] : [];
    }
    if (method !== 'POST') return this.#list(this.namespaces).map(description);
    const { title } = JSON.parse(body);
    if (this.namespaces.includes(title)) throw new Refusal(400, 10014, 'namespace already exists');
    this.namespaces.push(title);
    this.changes.push(`namespace ${title} made`);
    return description(title);
  }

  #list(names) {
    return this.lag-- > 0 ? [] : names;
  }

  #worker(method, [name, what, which], body) {
    if (name === undefined) return [];
    if (what === 'assets-upload-session') {
      // It wants none of the static files: it has them all.
      this.changes.push(`files: ${Object.keys(JSON.parse(body).manifest).join(' ')}`);
      return { jwt: 'j', buckets: [] };
    }
    if ((method === 'PUT' && !what) || (method === 'POST' && what === 'versions')) this.#upload(name, body);
    const secrets = this.secrets.get(name);
    if (!secrets) throw new Refusal(404, 10007, NO_WORKER);
    if (what === 'secrets' && method === 'PUT') {
      const secret = JSON.parse(body);
      secrets.set(secret.name, secret.text);
      this.changes.push(`${secret.name} of ${name} set`);
    } else if (what === 'secrets') {
      return [...secrets.keys()].map((secret) => ({ name: secret, type: 'secret_text' }));
    } else if (method === 'GET' && what === 'deployments') {
      const versions = [{ version_id: 'v1', percentage: 100 }];
      return { deployments: this.workers.has(name) ? [{ id: 'i1', versions }] : [] };
    } else if (method === 'GET' && what === 'versions' && which) {
      return { id: 'v1', resources: { bindings: this.workers.get(name) } };
    }
    return thing();
  }

  /** The bindings are in a part of the form that is JSON. */
  #upload(name, body) {
    const part = body.slice(body.indexOf('name="metadata"'));
    const end = part.indexOf('\r\n--');
    const { bindings } = JSON.parse(part.slice(part.indexOf('{'), end));
    const own = (binding) => bindings.find((each) => each.name === binding);
    const id = own('SESSIONS')?.namespace_id ?? 'what it had';
    this.changes.push(`${name} uploaded with ${id} and ${own('DB')?.id ?? 'what it had'}`);
    this.workers.set(name, bindings);
    const secrets = this.secrets.get(name) ?? new Map();
    for (const { type, name: secret, text: value } of bindings) {
      if (type !== 'secret_text') continue;
      secrets.set(secret, value);
      this.changes.push(`${secret} of ${name} set`);
    }
    this.secrets.set(name, secrets);
  }
}

/** Executes the statements as one transaction, and answers as D1 does. */
function execute(database, sql) {
  database.exec('BEGIN');
  try {
    const answer = statements(sql).map((statement) => ({
      results: database.prepare(statement).all(),
      success: true,
      meta: { duration: 0 },
    }));
    database.exec('COMMIT');
    return answer;
  } catch (error) {
    database.exec('ROLLBACK');
    throw new Refusal(400, 7500, error.message);
  }
}

/** No semicolon of ours is inside a text. */
function statements(sql) {
  const text = sql.replaceAll(/--.*$/gm, '');
  return text.split(';').filter((statement) => statement.trim());
}

/** The version, its address, a setting: whatever else wrangler asks for. */
function thing() {
  return {
    id: 'i1',
    deployment_id: 'i1',
    startup_time_ms: 1,
    version: 'production',
    subdomain: 'me',
    enabled: true,
    previews_enabled: false,
    default_environment: { environment: 'production', script: { last_deployed_from: 'wrangler', tags: [] } },
    resources: { script: { etag: 'e' } },
    deployments: [],
    bindings: [],
  };
}
