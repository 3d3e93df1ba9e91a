// hono + jose, the three keys in three calls at a time: what most code does.
import { refreshing } from "./refresh";

export default refreshing((kv, keys) => Promise.all(keys.map((key) => kv.get(key, "text"))));
