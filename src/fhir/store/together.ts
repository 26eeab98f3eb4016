/**
 * Gathers what may be asked in one statement. Of one name, `atOnce` statements are under way at most: whatever comes
 * meanwhile leaves together as soon as one of them is answered. So each shared statement begins after all that it
 * answers had come, nothing is kept from one to the next, and the busier it is, the more share one.
 * @param run answers what was asked, in its order; what it throws is told to all who shared it.
 * @param most how many share one statement: so few that nobody waits long for others' rows.
 */
export function createTogether<Asked, Answer>(
  run: (asked: readonly Asked[]) => Promise<readonly (Answer | Promise<Answer>)[]>,
  { most, atOnce = 2 }: { most: number; atOnce?: number },
): (name: string, asked: Asked) => Promise<Answer> {
  const groups = new Map<string, Group<Asked, Answer>>();
  let ready: Group<Asked, Answer>[] = [];

  /** What came in one turn of the event loop leaves at its end. */
  function flush(): void {
    const groups = ready;
    ready = [];
    for (const group of groups) {
      group.ready = false;
      send(group);
    }
  }

  async function send(group: Group<Asked, Answer>): Promise<void> {
    const sent = group.waiting.splice(0, most);
    if (sent.length === 0) return;
    group.underWay += 1;
    try {
      const answers = await run(sent.map(({ asked }) => asked));
      for (const [index, { resolve }] of sent.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of sent) reject(error);
    }
    group.underWay -= 1;
    if (group.waiting.length > 0) send(group);
    else if (group.underWay === 0 && !group.ready) groups.delete(group.name);
  }

  return (name, asked) => {
    let group = groups.get(name);
    if (!group) {
      group = { name, waiting: [], underWay: 0, ready: false };
      groups.set(name, group);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    group.waiting.push({ asked, resolve, reject });
    if (group.waiting.length === most) send(group);
    else if (!group.ready && group.underWay < atOnce) {
      if (ready.push(group) === 1) setImmediate(flush);
      group.ready = true;
    }
    return promise;
  };
}

type Group<Asked, Answer> = {
  name: string;
  waiting: {
    asked: Asked;
    resolve: (answer: Answer | Promise<Answer>) => void;
    reject: (error: unknown) => void;
  }[];
  underWay: number;
  ready: boolean;
};
