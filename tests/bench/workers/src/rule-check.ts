// Answers with the verdict of rule.ts on each of the cases that it is sent.
import { judge } from "./rule";

export default {
  async fetch(request: Request) {
    const cases: Parameters<typeof judge>[] = await request.json();
    return Response.json(cases.map((arguments_) => judge(...arguments_)));
  },
};
