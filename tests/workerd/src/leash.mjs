// Runs a program for as long as its own standard input is open, so that the
// program ends with the test that started it, however that test ends.
import { spawn, spawnSync } from "node:child_process";

const PATIENCE_MS = 5000;
const onWindows = process.platform === "win32";

const [program, ...parameters] = process.argv.slice(2);
const child = spawn(program, parameters, {
  stdio: ["ignore", "inherit", "inherit"],
  // A process group of its own: what the program started ends with it.
  detached: !onWindows,
});

// For who wants to know how much memory it takes.
console.log(`leash: ${child.pid}`);

function signal(name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone already.
  }
}

function stop() {
  if (onWindows) {
    spawnSync("taskkill", ["/pid", String(child.pid), "/T", "/F"]);
  } else {
    signal("SIGINT");
    setTimeout(() => signal("SIGKILL"), PATIENCE_MS);
  }
}

child.on("error", (error) => {
  console.error(`${program} did not start: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code) => {
  if (!onWindows) signal("SIGKILL");
  process.exit(code ?? 1);
});
process.stdin.on("close", stop).on("data", () => signal("SIGKILL"));
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
