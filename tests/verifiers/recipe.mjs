// Runs a recipe in JavaScript: its `userOf` names the user of good tokens, and throws for bad ones.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const { RECIPE, CASES } = process.env;
const { user, good, bad } = JSON.parse(CASES);
const { userOf } = await import(pathToFileURL(RECIPE));

for (const token of good) assert.equal(await userOf(token), user);
for (const [name, token] of Object.entries(bad)) {
  await assert.rejects(async () => userOf(token), undefined, `a token that is ${name} passed`);
}
