// Between promises and Rust. A promise reports to Rust under a number, through one function that
// lives as long as the isolate: two closures for each promise would cost more than all of a
// refresh's own work.

// A panic in Rust comes out here. It has to reach the listener in entry.js, and would only reject
// a promise that nobody waits for.
function report(settled, number, isFulfilled, value) {
  try {
    settled(number, isFulfilled, value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export function watch(promise, number, settled) {
  Promise.resolve(promise).then(
    (value) => report(settled, number, true, value),
    (error) => report(settled, number, false, error),
  );
}

export const startTimer = (milliseconds, number, settled) => setTimeout(report, milliseconds, settled, number, true);

export const stopTimer = (timer) => clearTimeout(timer);

// What is thrown there reaches entry.js by itself.
export const inMicrotask = (run) => queueMicrotask(run);
