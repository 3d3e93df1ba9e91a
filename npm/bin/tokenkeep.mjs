#!/usr/bin/env node
// No newer syntax here, and no import: an old Node.js has to get as far as its message.
const OLDEST = 20;
const version = process.versions.node;

if (Number(version.split('.')[0]) < OLDEST) {
  console.error(
    'error: Node.js ' + OLDEST + ' or newer is needed, this is ' + version + ': install the current ' +
    'LTS version from https://nodejs.org, open a new terminal and run the same command again',
  );
  process.exitCode = 1;
} else {
  import('../src/cli.mjs').then((cli) => cli.main(process.argv.slice(2))).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
