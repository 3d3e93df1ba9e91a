// E-mails on their way out.

// Sends JSON to a provider: the status of its answer, negative where that is not JSON.
export async function post(url, headers, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...JSON.parse(headers), "Content-Type": "application/json" },
    body,
    // A URL that has moved gets no code.
    redirect: "manual",
    signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
  });
  const isJson = /\bjson\b/.test(answer.headers.get("Content-Type"));
  await answer.body?.cancel();
  return isJson ? answer.status : -answer.status;
}

// A try that takes longer has been given up.
const SEND_TIMEOUT_MS = 5_000;

export async function send(binding, email) {
  await binding.send(JSON.parse(email));
}
