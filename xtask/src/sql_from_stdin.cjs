// Loaded into wrangler (`node --require`): the SQL comes by standard input, so that no list of
// processes and no temporary file shows what it holds.
if (require('node:worker_threads').isMainThread) {
  process.argv.push('--command', require('node:fs').readFileSync(0, 'utf8'));
}
