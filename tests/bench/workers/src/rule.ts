// The rule of sessions, as `judge` in src/session/rule.rs has it: tests/rule.rs compares the two.
// docs/sessions.md explains it.

export interface Position {
  gen: number;
  iat: number;
}

export type Session = { created_at: number; expires_at: number; revoked_at?: number } | null;
export type Activity = { gen: number; iat: number; gen_at: number; prev_at?: number; seen_at: number } | null;
export type CutOff = { before: number; keep?: string; keep_until?: number } | null;

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
  const isKept = cutOff?.keep === sid && (cutOff.keep_until === undefined || now < cutOff.keep_until);
  const ended = (start: number) => cutOff !== null && start <= cutOff.before && !isKept;
  if (session?.revoked_at !== undefined) return { kind: "session_revoked" };
  if (session === null) {
    if (ended(now + CLOCKS_MS)) return { kind: "session_revoked" };
    const mayBeUnderWay = now - presented.iat * 1000 < ARRIVAL_MS;
    if (!mayBeUnderWay && ended(presented.iat * 1000 + MINUTE_MS)) return { kind: "session_revoked" };
    return { kind: mayBeUnderWay ? "not_yet_here" : "refresh_token_expired" };
  }
  const start = session.created_at;
  if (ended(start)) return { kind: "session_revoked" };

  const activity = stored ?? { gen: 0, iat: minute(start), gen_at: start, seen_at: start };
  const usedAt = Math.max(activity.seen_at, presented.iat * 1000);
  if (now >= session.expires_at || now - usedAt > idleMs + idleMs / 3) return { kind: "refresh_token_expired" };

  const inForce = { gen: activity.gen, iat: activity.iat };
  const seen = now - activity.seen_at > idleMs / 3 ? { v: 1, ...activity, seen_at: now } : undefined;
  const behind = inForce.gen - presented.gen;
  if (behind < 0) {
    // The time of a step that this place did not hear of is known from its successor.
    const overtakenAt = behind === -1 ? activity.gen_at : Math.min(presented.iat * 1000 + MINUTE_MS, now);
    const prev_at = mayStillCome(overtakenAt, now) ? overtakenAt : undefined;
    return { kind: "live", answer: offered(presented, now), note: { v: 1, ...presented, gen_at: now, prev_at, seen_at: now } };
  }
  const sameBranch = Math.abs(presented.iat - inForce.iat) <= SAME_BRANCH_SECONDS;
  if (behind === 0 && (sameBranch || isBornAt(activity.gen_at, presented))) {
    return { kind: "live", answer: offered(presented, now), note: seen };
  }
  const mayBeTwoBefore = (inForce.iat - presented.iat) * 1000 >= 2 * SUCCESSOR_AGE_MS;
  // When the token after the presented one was first used.
  const leftBehindAt = behind < 2 ? activity.gen_at : behind === 2 && mayBeTwoBefore ? activity.prev_at : undefined;
  if (leftBehindAt !== undefined && mayStillCome(leftBehindAt, now)) {
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

function mayStillCome(instant: number, now: number) {
  return now - instant <= LATE_DUPLICATE_MS;
}

function isBornAt(instant: number, token: Position) {
  const start = token.iat * 1000;
  return start <= instant + LATE_DUPLICATE_MS && instant <= start + MINUTE_MS + LATE_DUPLICATE_MS;
}
