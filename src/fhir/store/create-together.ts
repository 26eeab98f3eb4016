import { isUnavailable } from '../../database/unavailable.ts';
import { type Asked, decidedBy, type Query } from './query.ts';
import type { Row } from './row.ts';
import { createTogether } from './together.ts';
import { type CreateRow, insertResources } from './write.ts';

/** Creates one resource whose label is known. */
export type CreateOne = (asked: Asked, row: Row) => Promise<CreateRow>;

/**
 * Creates that the same token asks for at the same time, of one organisation and type, are one statement with one
 * decision and one commit for all (`createTogether`). Each is still decided on by itself, as to patient and label, and
 * a statement that the database refuses is taken apart: nobody's create fails for another's.
 */
export function createCreateTogether(query: Query): CreateOne {
  const together = createTogether<Question, CreateRow>((questions) => createAll(query, questions), {
    most: 16,
  });
  return async (asked, row) => {
    if (isShared(row)) return together(decidedBy(asked), { asked, row });
    const [made] = await insertResources(query, asked, [row]);
    return made!;
  };
}

type Question = { asked: Asked; row: Row };

/** Not what waits for others' locks (conditional creates, letters), nor what is large. */
const isShared = ({ onceKey, type, content }: Row): boolean =>
  onceKey === null && type !== 'DocumentReference' && content.length <= CONTENT_MAX;

const CONTENT_MAX = 64 * 1024;

async function createAll(query: Query, questions: readonly Question[]) {
  const create = (some: readonly Question[]) =>
    insertResources(
      query,
      some[0]!.asked,
      some.map(({ row }) => row),
    );
  try {
    return await create(questions);
  } catch (error) {
    // Of a lost connection nobody knows whether it was written, so it is not sent again.
    if (questions.length === 1 || isUnavailable(error)) throw error;
    return questions.map(async (question) => (await create([question]))[0]!);
  }
}
