// What the reader sees.
import { existsSync } from 'node:fs';

/** How the reader starts this program: `cargo xtask` starts it in the checkout. */
export const COMMAND = process.env.TOKENKEEP_COMMAND ?? 'npx tokenkeep';

const PACKED_DOCS = 'node_modules/tokenkeep/docs';

/** Where the reader has the guides: in the package, or in the checkout. */
export const DOCS = existsSync(PACKED_DOCS) ? PACKED_DOCS : 'docs';

/** The reason why the program stops, and what to do about it: a message for the reader. */
export class Stop extends Error {}

/** Prints what may be a mistake, but stops nothing. */
export function warn(text) {
  console.error(`\nwarning: ${text}`);
}

/** Prints the one line of a step: its name, then what happens and why. */
export function step(name, text) {
  console.log(`  ${name.padEnd(8)} ${text}`);
}
