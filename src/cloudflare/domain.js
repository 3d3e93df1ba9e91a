// The ASCII form of a domain (UTS 46), as the host of a URL; undefined where it is none.

export function domain(name) {
  try {
    return new URL(`https://${name}`).hostname;
  } catch {
    return undefined;
  }
}
