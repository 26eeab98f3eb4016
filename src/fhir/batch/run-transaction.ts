import { Refusal } from '../http/refusal.ts';
import { type Served, serve } from '../http/serve.ts';
import { type Room, roomInside } from '../room.ts';
import { nameNew } from './name-new.ts';
import type { Part } from './parse-bundle.ts';
import { replaceReferences } from './replace-references.ts';

export type Done = { part: Part; served: Served };

/**
 * All entries or none, in one database transaction. Each entry's statement makes its own decision, so a revoke that
 * comes between two entries ends the whole. Returns the refusal that undid it.
 */
export async function runTransaction(room: Room, parts: readonly Part[]): Promise<Done[] | Refusal> {
  const client = await room.context.database.service.connect();
  // Nothing in here may wait for another connection: they may all be held by transactions that wait likewise.
  const inside = roomInside(room, client);
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const done = await runParts(inside, parts);
    await client.query(done instanceof Refusal ? 'rollback' : 'commit');
    return done;
  } catch (error) {
    // Whatever state the connection is in, ending it undoes what was begun.
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function runParts(room: Room, parts: readonly Part[]): Promise<Done[] | Refusal> {
  const done: Done[] = [];
  const ids = new Map<string, string>();
  try {
    for (const part of [...parts].sort((a, b) => rank(a) - rank(b) || a.at - b.at)) {
      if (rank(part) >= REST) break;
      done.push(await run(room, part, ids));
      const { answer } = done.at(-1)!.served;
      if (!(answer instanceof Refusal) && part.fullUrl && answer.resourceId) {
        ids.set(part.fullUrl, `Patient/${answer.resourceId}`);
      }
    }
    // Patients have their ids now, so whose the other new resources are is known, and with that their ids.
    const rest = parts.filter((part) => rank(part) >= REST);
    await nameNew(room, rest, ids);
    for (const part of rest.sort((a, b) => rank(a) - rank(b) || a.at - b.at))
      done.push(await run(room, part, ids));
  } catch (error) {
    if (error instanceof Undone) return error.refusal;
    throw error;
  }
  return done.sort((a, b) => a.part.at - b.part.at);
}

/** R4 section 3.1.0.11.2: deletes, creates (patients first, then the files that letters name), updates, reads. */
const REST = 2;
function rank({ call }: Part): number {
  const [type, more] = call.segments;
  if (call.method === 'DELETE') return 0;
  if (call.method === 'POST')
    return more !== undefined ? 3 : type === 'Patient' ? 1 : type === 'Binary' ? REST : 3;
  if (call.method === 'PUT') return type === 'Binary' ? 4 : 5;
  return 6;
}

class Undone extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

async function run(room: Room, part: Part, ids: ReadonlyMap<string, string>): Promise<Done> {
  for (const tree of new Set([part.call.parsed?.resource, part.call.parsed?.printed]))
    replaceReferences(tree, ids);
  const served = await serve(room, part.call);
  if (served.answer instanceof Refusal) throw new Undone(ofEntry(served.answer, part.at));
  return { part, served };
}

function ofEntry(refusal: Refusal, at: number): Refusal {
  const issues = refusal.issues.map((issue) => ({
    ...issue,
    diagnostics: `Entry ${at + 1}: ${issue.diagnostics}`,
    // `Patient.name[0]` of the entry is `name[0]` of its resource.
    expression: `Bundle.entry[${at}].resource${issue.expression?.replace(/^[A-Za-z]+/, '') ?? ''}`,
  }));
  return new Refusal(refusal.code, {
    text: `Nothing was done, because of entry ${at + 1}: ${refusal.text}`,
    issues:
      issues.length > 0
        ? issues
        : [
            {
              code: 'invalid',
              diagnostics: `Entry ${at + 1}: ${refusal.text.replace(/\.$/, '')}`,
              expression: `Bundle.entry[${at}]`,
            },
          ],
    headers: refusal.headers,
  });
}
