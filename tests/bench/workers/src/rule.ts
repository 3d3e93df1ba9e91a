// The rule of sessions, as `judge` in src/domain/session.rs has it. docs/sessions.md explains it.

export interface Position {
  gen: number;
  iat: number;
}

export type Session = { created_at: number; expires_at: number; revoked_at?: number } | null;
export type Activity = { gen: number; iat: number; gen_at: number; seen_at: number } | null;
export type CutOff = { before: number; keep?: string } | null;

export type Verdict =
  | { kind: "live"; answer: Position; note?: object }
  | { kind: "not_yet_here" | "refresh_token_expired" | "session_revoked" | "refresh_token_reused" };

const CLOCKS_MS = 5_000;
const LATE_DUPLICATE_MS = 60_000 + CLOCKS_MS;
const MINUTE_MS = 60_000;
const SAME_BRANCH_SECONDS = 60;
const SUCCESSOR_AGE_MS = 120_000;
const ARRIVAL_MS = MINUTE_MS + 300_000;

export function judge(
  sid: string,
  presented: Position,
  session: Session,
  stored: Activity,
  cutOff: CutOff,
  idleMs: number,
  now: number,
): Verdict {
  const ended = (began: number) => cutOff !== null && began <= cutOff.before && cutOff.keep !== sid;
  if (session?.revoked_at !== undefined) return { kind: "session_revoked" };
  if (session === null) {
    if (ended(now + CLOCKS_MS)) return { kind: "session_revoked" };
    const mayBeUnderWay = now - presented.iat * 1000 < ARRIVAL_MS;
    return { kind: mayBeUnderWay ? "not_yet_here" : "refresh_token_expired" };
  }
  if (ended(session.created_at)) return { kind: "session_revoked" };

  const began = session.created_at;
  const activity = stored ?? { gen: 0, iat: minute(began), gen_at: began, seen_at: began };
  const usedAt = Math.max(activity.seen_at, presented.iat * 1000);
  if (now >= session.expires_at || now - usedAt > idleMs + idleMs / 3) return { kind: "refresh_token_expired" };

  const inForce = { gen: activity.gen, iat: activity.iat };
  const seen = now - activity.seen_at > idleMs / 3 ? { v: 1, ...activity, seen_at: now } : undefined;
  if (presented.gen > inForce.gen) {
    return { kind: "live", answer: offered(presented, now), note: { v: 1, ...presented, gen_at: now, seen_at: now } };
  }
  const sameGeneration = presented.gen === inForce.gen;
  const sameBranch = Math.abs(presented.iat - inForce.iat) <= SAME_BRANCH_SECONDS;
  if (sameGeneration && (sameBranch || isBornAt(activity.gen_at, presented))) {
    return { kind: "live", answer: offered(presented, now), note: seen };
  }
  const oneBehind = presented.gen + 1 === inForce.gen;
  if ((sameGeneration || oneBehind) && now - activity.gen_at <= LATE_DUPLICATE_MS) {
    return { kind: "live", answer: inForce, note: seen };
  }
  return { kind: "refresh_token_reused" };
}

function offered(position: Position, now: number): Position {
  if (now - position.iat * 1000 < SUCCESSOR_AGE_MS) return position;
  return { gen: position.gen + 1, iat: minute(now) };
}

function minute(milliseconds: number) {
  return Math.floor(milliseconds / MINUTE_MS) * 60;
}

function isBornAt(instant: number, token: Position) {
  const begin = token.iat * 1000;
  return begin <= instant + LATE_DUPLICATE_MS && instant <= begin + MINUTE_MS + LATE_DUPLICATE_MS;
}
