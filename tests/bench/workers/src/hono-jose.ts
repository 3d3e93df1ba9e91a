// hono + jose, the three keys in one call.
import { refreshing } from "./refresh";

export default refreshing(async (kv, keys) => {
  const found = await kv.get(keys, "text");
  return keys.map((key) => found.get(key) ?? null);
});
